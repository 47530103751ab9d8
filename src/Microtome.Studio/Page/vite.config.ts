import { defineConfig } from "vite";

// The address that a running studio printed: its API answers the page that `npm run dev` shows.
const studio = process.env.STUDIO ? new URL(process.env.STUDIO) : null;

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
    host: "127.0.0.1",
    proxy: studio
      ? {
          "/api": {
            target: studio.origin,
            changeOrigin: true,
            headers: { Authorization: `Bearer ${studio.searchParams.get("token")}` },
            configure: (proxy) => proxy.on("proxyReq", (request) => request.removeHeader("origin")),
          },
        }
      : undefined,
  },
});
