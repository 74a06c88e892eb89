export interface Toast {
  id: number;
  text: string;
  tone: 'calm' | 'danger';
  action?: { label: string; run: () => void };
}

/** Long enough to read a sentence and to reach its button. */
const STAYS_MS = 8000;
const MOST = 3;

let toasts = $state.raw<Toast[]>([]);
let next = 1;
const timers = new Map<number, ReturnType<typeof setTimeout>>();

/** What is told at the moment, oldest first. */
export function shownToasts(): readonly Toast[] {
  return toasts;
}

/** Tells something in passing; what needs a decision is no toast. */
export function tell(text: string, more: Partial<Pick<Toast, 'tone' | 'action'>> = {}): number {
  const id = next++;
  toasts = [...toasts, { id, text, tone: 'calm' as const, ...more }].slice(-MOST);
  resume(id);
  return id;
}

export function dismiss(id: number): void {
  hold(id);
  toasts = toasts.filter((toast) => toast.id !== id);
}

/** Keeps a toast while somebody reads it. */
export function hold(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
}

export function resume(id: number): void {
  hold(id);
  timers.set(
    id,
    setTimeout(() => dismiss(id), STAYS_MS),
  );
}
