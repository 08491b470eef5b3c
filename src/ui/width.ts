/** Columns of a terminal that text takes: colours none, an ideogram or an emoji two, an accent of its own none. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const character of withoutColours(text)) width += columnsOf(character)
  return width
}

export function withoutColours(text: string): string {
  return text.replace(colours, '')
}

export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

/** As much of the beginning of a text as fits; never half a character. */
export function cutTo(text: string, width: number): string {
  let taken = ''
  let used = 0
  for (const part of text.split(colours)) {
    if (part.startsWith('\u001b')) taken += part
    else
      for (const character of part) {
        used += columnsOf(character)
        if (used <= width) taken += character
      }
  }
  return taken
}

function columnsOf(character: string): number {
  if (nothing.test(character)) return 0
  return double.test(character) ? 2 : 1
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const colours = /(\u001b\[[\d;:]*m)/g
const nothing = /^[\p{Mn}\p{Me}\p{Cf}]/u
const double =
  /^(\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u
