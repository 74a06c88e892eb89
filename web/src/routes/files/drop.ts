import type { Attachment } from 'svelte/attachments';
import type { NodeId } from '$lib/actions/types';
import { droppedFiles } from '$lib/state/incoming';
import type { Browser } from './browser.svelte';

/** Makes an element a place where files and what is dragged from a list can be let go. */
export function dropTarget(
  browser: Browser,
  node: NodeId,
  name: string,
  over: (now: boolean) => void,
): Attachment<HTMLElement> {
  return (element) => {
    const move = (event: DragEvent): void => {
      const effect = browser.takes(event.dataTransfer, node);
      if (!effect || !event.dataTransfer) return;
      event.preventDefault();
      event.stopPropagation();
      event.dataTransfer.dropEffect = effect;
      over(true);
    };
    const leave = (event: DragEvent): void => {
      const into = event.relatedTarget;
      if (!(into instanceof Node) || !element.contains(into)) over(false);
    };
    const drop = (event: DragEvent): void => {
      over(false);
      if (!browser.takes(event.dataTransfer, node) || !event.dataTransfer) return;
      event.preventDefault();
      event.stopPropagation();
      const files = event.dataTransfer.types.includes('Files') ? droppedFiles(event.dataTransfer) : undefined;
      void browser.dropOnto(node, name, files ?? Promise.resolve([]));
    };
    element.addEventListener('dragenter', move);
    element.addEventListener('dragover', move);
    element.addEventListener('dragleave', leave);
    element.addEventListener('drop', drop);
    return () => {
      element.removeEventListener('dragenter', move);
      element.removeEventListener('dragover', move);
      element.removeEventListener('dragleave', leave);
      element.removeEventListener('drop', drop);
    };
  };
}
