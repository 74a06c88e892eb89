/** What of the browser's Trusted Types is used; TypeScript does not know them yet. */
interface TrustedTypes {
  createPolicy(name: 'default', rules: { createScriptURL: (url: string) => string | null }): unknown;
}

/**
 * Lets the page start its own workers, and nothing else become a script: under the server's policy no text
 * does by itself (`require-trusted-types-for`).
 */
export function trustOwnWorkers(): void {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  types?.createPolicy('default', { createScriptURL: (url) => (isOwn(url) ? url : null) });
}

/** Whether an address is one of the app's built files. */
export function isOwn(url: string): boolean {
  const { origin, pathname } = new URL(url, location.href);
  return origin === location.origin && pathname.startsWith('/assets/') && pathname.endsWith('.js');
}
