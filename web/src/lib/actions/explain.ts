import { t, type Key } from '$lib/i18n/index.svelte';
import { Problem } from './problem';

/** An error in words: what is wrong, and what to do next. */
export interface Explained {
  code: string;
  sentence: string;
  next: string;
}

const WORDS: Record<Problem['code'], readonly [sentence: Key, next: Key]> = {
  offline: ['problem.offline', 'problem.offline.next'],
  unauthenticated: ['problem.signed-out', 'problem.signed-out.next'],
  'token-spent': ['problem.token-spent', 'problem.token-spent.next'],
  'login-wrong': ['problem.login-wrong', 'problem.login-wrong.next'],
  'second-factor': ['problem.second-factor', 'problem.second-factor.next'],
  'device-removed': ['problem.device-removed', 'problem.signed-out.next'],
  'account-suspended': ['problem.suspended', 'problem.ask-admin'],
  'registration-closed': ['problem.closed', 'problem.closed.next'],
  forbidden: ['problem.forbidden', 'problem.forbidden.next'],
  'not-found': ['problem.not-found', 'problem.not-found.next'],
  conflict: ['problem.conflict', 'problem.conflict.next'],
  'login-taken': ['problem.login-taken', 'problem.login-taken.next'],
  'link-ended': ['problem.link-ended', 'problem.link-ended.next'],
  'too-large': ['problem.too-large', 'problem.too-large.next'],
  'rate-limited': ['problem.rate-limited', 'problem.wait'],
  internal: ['problem.internal', 'problem.internal.next'],
  overloaded: ['problem.overloaded', 'problem.wait'],
  unavailable: ['problem.unavailable', 'problem.wait'],
  'quota-exceeded': ['problem.quota', 'problem.quota.next'],
  'storage-full': ['problem.storage-full', 'problem.ask-admin'],
  'recovery-wrong': ['problem.recovery', 'problem.recovery.next'],
  'approval-ended': ['problem.approval', 'problem.approval.next'],
  'passkey-none': ['problem.passkey', 'problem.passkey.next'],
  other: ['problem.other', 'problem.other.next'],
};

/** The words for whatever was thrown. */
export function explain(error: unknown): Explained {
  const code = error instanceof Problem ? error.code : 'other';
  const [sentence, next] = WORDS[code];
  return { code, sentence: t(sentence), next: t(next) };
}
