/** How many columns of a terminal a text takes: colours none, an ideogram or an emoji two, an accent of its own none. */
export function widthOf(text: string): number {
  if (isAscii.test(text)) return text.length
  return charactersOf(withoutColours(text)).reduce((sum, one) => sum + widthOfOne(one), 0)
}

export function withoutColours(text: string): string {
  return text.replace(colours, '')
}

/** As much of it as fits, with a mark where something was cut off; never half a character, and all that ends a colour. */
export function cut(text: string, width: number, mark = ''): string {
  if (widthOf(text) <= width) return text
  const end = mark.slice(0, Math.max(0, width))
  let rest = width - end.length
  const shown = text.split(colours).map(part => {
    if (part.startsWith('\u001b')) return part
    const fitting = charactersOf(part).filter(one => {
      rest -= widthOfOne(one)
      return rest >= 0
    })
    return fitting.join('')
  })
  return (mark === '' ? shown.join('') : shown.join('').trimEnd()) + end
}

/** Filled up with spaces. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

const isAscii = /^[ -~]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const colours = /(\u001b\[[\d;:]*m)/g

/** What is read as one character, whatever it is put together from. */
function charactersOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment)
}

function widthOfOne(character: string): number {
  if (/^[\p{Mark}\p{Cf}\p{Cc}]*$/u.test(character)) return 0
  return wide.test(character) || /\p{Emoji_Presentation}|\ufe0f/u.test(character) ? 2 : 1
}

/** East Asian characters that are as wide as two. */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
