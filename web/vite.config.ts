import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [svelte()],
  resolve: { alias: { $lib: here('./src/lib'), $fake: here('./fake-api') } },
  build: {
    target: 'es2023',
    // The content security policy takes no data: addresses and no inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          environment: 'node',
          include: ['src/lib/{format,session}/**/*.test.ts'],
        },
      },
      {
        extends: true,
        // Without this condition Svelte's server build would be taken, which mounts nothing.
        resolve: { conditions: ['browser'] },
        test: {
          name: 'parts',
          environment: 'jsdom',
          include: ['src/**/*.test.ts', 'fake-api/**/*.test.ts'],
          exclude: ['src/lib/{format,session}/**'],
          setupFiles: ['tests/setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          environment: 'node',
          include: ['tests/**/*.test.ts'],
          globalSetup: ['tests/build.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
