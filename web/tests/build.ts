import { execFileSync } from 'node:child_process';

/** Builds the app as it is shipped, and once more with the pretended server in it, for the browser. */
export default function build(): void {
  for (const more of [[], ['--mode', 'fake', '--outDir', 'dist-fake']]) {
    execFileSync('npx', ['vite', 'build', '--logLevel', 'error', ...more], { stdio: 'inherit' });
  }
}
