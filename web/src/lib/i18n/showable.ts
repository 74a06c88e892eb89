/**
 * Characters of names that would be invisible or change how what is beside them is read: controls, and
 * those that set a direction. A name is shown with their numbers instead, so that `photo‮gpj.exe` does not
 * look like a picture.
 */
// eslint-disable-next-line no-control-regex -- controls are what it looks for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Emoji are joined by this character (U+200D); between them it is no trick. */
const JOINED = /(?<=[\p{Emoji}\ufe0f])\u200d(?=\p{Emoji})/u;

/** A name as it may stand in text. */
export function showable(name: string): string {
  return name.replace(UNSEEN, (character, at: number) => {
    if (character === '\u200d' && JOINED.test(name.slice(Math.max(0, at - 2), at + 3))) return character;
    return `⟨${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}
