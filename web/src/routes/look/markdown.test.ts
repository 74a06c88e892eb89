import { expect, test } from 'vitest';
import { expectAccessible, show } from '../../../tests/mounting';
import CodePreview from './CodePreview.svelte';
import MarkdownPreview from './MarkdownPreview.svelte';

const EVIL = `# Title

<script>window.ran = 1</script>
<img src=x onerror="window.ran = 1">
<iframe src="javascript:window.ran=1"></iframe>

[click](javascript:window.ran=1) [data](data:text/html,<script>1</script>) [good](https://example.org)
![picture](https://example.org/track.png)

\`\`\`html
<script>window.ran = 1</script>
\`\`\`
`;

test('nothing of a Markdown file becomes markup of the page', async () => {
  const element = show(MarkdownPreview, { text: EVIL });
  expect(element.querySelectorAll('script, img, iframe, object, embed, style')).toHaveLength(0);
  const links = [...element.querySelectorAll('a')];
  expect(links.map((link) => link.getAttribute('href'))).toEqual(['https://example.org']);
  expect(links[0]?.rel).toContain('noopener');
  expect(element.textContent).toContain('<script>window.ran = 1</script>');
  expect('ran' in window).toBe(false);
  await expectAccessible(element);
});

test('deep nesting is shown, and ends', () => {
  const element = show(MarkdownPreview, { text: `${'> '.repeat(300)}deep` });
  expect(element.textContent).toContain('deep');
  expect(element.querySelectorAll('blockquote').length).toBeLessThan(60);
});

test('code is coloured by elements, and stays the text that it was', () => {
  const text = 'const a = "</code><script>";\n// <b>\n';
  const element = show(CodePreview, { text, ending: 'ts' });
  expect(element.querySelector('code')?.textContent).toBe(text);
  expect(element.querySelector('.hljs-keyword')?.textContent).toBe('const');
});
