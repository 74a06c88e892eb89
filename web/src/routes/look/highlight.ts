import { createLowlight } from 'lowlight';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import css from 'highlight.js/lib/languages/css';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

/** A piece of code and what it is; nothing of it is markup. */
export interface Piece {
  text: string;
  /** Class of highlight.js, `hljs-keyword`. */
  look: string;
}

const lowlight = createLowlight({
  bash, c, cpp, css, go, ini, java, json, python, ruby, rust, sql, typescript, xml, yaml,
}); // prettier-ignore

const LANGUAGES: Record<string, string> = {
  sh: 'bash', c: 'c', h: 'c', cc: 'cpp', cpp: 'cpp', hpp: 'cpp', css: 'css', go: 'go', ini: 'ini', toml: 'ini',
  java: 'java', kt: 'java', json: 'json', py: 'python', rb: 'ruby', rs: 'rust', sql: 'sql', js: 'typescript',
  mjs: 'typescript', jsx: 'typescript', ts: 'typescript', tsx: 'typescript', html: 'xml', xml: 'xml', svg: 'xml',
  svelte: 'xml', vue: 'xml', yaml: 'yaml', yml: 'yaml', bash: 'bash', rust: 'rust', python: 'python',
  javascript: 'typescript', typescript: 'typescript',
}; // prettier-ignore

/** Colouring longer texts would keep the page from answering. */
const LONGEST = 200_000;

/** The pieces of a text in a language that is named by the ending of its files. */
export function highlight(text: string, ending: string): Piece[] {
  const language = LANGUAGES[ending];
  if (language === undefined || text.length > LONGEST) return [{ text, look: '' }];
  const pieces: Piece[] = [];
  flatten(lowlight.highlight(language, text).children, '', pieces);
  return pieces;
}

type Nodes = ReturnType<typeof lowlight.highlight>['children'];

function flatten(nodes: Nodes, look: string, pieces: Piece[]): void {
  for (const node of nodes) {
    if (node.type === 'text') pieces.push({ text: node.value, look });
    else if (node.type === 'element') {
      const names = node.properties['className'];
      const [name] = Array.isArray(names) ? names : [];
      flatten(node.children as Nodes, typeof name === 'string' ? name : look, pieces);
    }
  }
}
