import { execFileSync } from 'node:child_process';

/** Builds the app as it is shipped, and once more with the fake API in it, for the browser. */
export default function build(): void {
  execFileSync('npx', ['vite', 'build', '--logLevel', 'error'], { stdio: 'inherit' });
}
