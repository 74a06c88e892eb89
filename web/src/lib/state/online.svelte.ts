let online = $state(navigator.onLine);

window.addEventListener('online', () => (online = true));
window.addEventListener('offline', () => (online = false));

/** Whether the browser has a network at all; it says nothing of the server. */
export function isOnline(): boolean {
  return online;
}
