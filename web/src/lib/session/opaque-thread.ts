/** OPAQUE on a thread of its own, so that a page goes on while a password is stretched. */

import type { Opaque } from './opaque';

/** A step that is asked for: its name and what goes into it. */
export interface Asked {
  readonly number: number;
  readonly step: keyof Opaque;
  readonly input: readonly unknown[];
}

/** What came of it. */
export interface Answered {
  readonly number: number;
  readonly outcome: { readonly value: unknown } | { readonly failed: string };
}

/** Does a step. */
export async function perform(opaque: Opaque, { number, step, input }: Asked): Promise<Answered> {
  const work = opaque[step] as (...input: readonly unknown[]) => Promise<unknown>;
  try {
    return { number, outcome: { value: await work(...input) } };
  } catch (error) {
    return { number, outcome: { failed: String(error) } };
  }
}

/** What a thread has to be: a worker, or an end of a channel. */
export interface Thread {
  postMessage(asked: Asked): void;
  onmessage: ((event: MessageEvent<Answered>) => void) | null;
  onerror?: ((event: ErrorEvent) => void) | null;
}

/** OPAQUE on the thread that `start` gives, which is started when it is first needed. */
export function opaqueOn(start: () => Thread): Opaque {
  let thread: Thread | null = null;
  let last = 0;
  const waiting = new Map<number, (outcome: Answered['outcome']) => void>();
  const ask = async (step: keyof Opaque, input: readonly unknown[]): Promise<unknown> => {
    thread ??= listen(start());
    const number = ++last;
    const answered = new Promise<Answered['outcome']>((resolve) => waiting.set(number, resolve));
    thread.postMessage({ number, step, input });
    const outcome = await answered;
    if ('failed' in outcome) throw new Error(outcome.failed);
    return outcome.value;
  };
  const listen = (started: Thread): Thread => {
    started.onmessage = ({ data }) => {
      waiting.get(data.number)?.(data.outcome);
      waiting.delete(data.number);
    };
    // A thread that cannot start answers nothing: whoever waits has to hear of it.
    started.onerror = (event) => {
      thread = null;
      for (const resolve of waiting.values()) resolve({ failed: event.message });
      waiting.clear();
    };
    return started;
  };
  return {
    startRegistration: (...input) => ask('startRegistration', input) as never,
    finishRegistration: (...input) => ask('finishRegistration', input) as never,
    startLogin: (...input) => ask('startLogin', input) as never,
    finishLogin: (...input) => ask('finishLogin', input) as never,
  };
}

/** OPAQUE in a worker of the browser. */
export function opaqueInWorker(): Opaque {
  return opaqueOn(
    () => new Worker(new URL('./opaque.worker.ts', import.meta.url), { type: 'module' }) as Thread,
  );
}
