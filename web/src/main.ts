import './styles/index.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { useActions } from '$lib/actions/index';
import { trustOwnWorkers } from './trusted';
import { preferredLanguage, showLanguage } from '$lib/i18n/index.svelte';

trustOwnWorkers();

async function start(): Promise<void> {
  const [door] = await Promise.all([chosenDoor(), showLanguage(preferredLanguage())]);
  useActions(door);
  const target = document.getElementById('app');
  if (target) mount(App, { target });
}

/** What the app speaks to: the server; in the fake mode of `npm run dev` only a pretended one. */
async function chosenDoor(): Promise<Parameters<typeof useActions>[0]> {
  if (import.meta.env.MODE === 'fake') {
    const { startFake } = await import('$fake/start');
    return startFake(location.search);
  }
  return (await import('$lib/actions/server')).server;
}

void start();
