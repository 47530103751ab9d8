import { defineConfig } from "vite";

// File names carry no hashes: the built page is committed, and CI compares it with what it builds.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../wwwroot",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "es2022",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        entryFileNames: "studio.js",
        chunkFileNames: "[name].js",
        assetFileNames: "studio[extname]",
      },
    },
  },
  server: {
    proxy: { "/api": process.env.STUDIO ?? "http://127.0.0.1:7341" },
  },
});
