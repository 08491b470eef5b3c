/**
 * Text from somewhere else, for a terminal: colours stay, and whatever else would move the cursor, change the window or
 * answer in the user's name is shown instead of being done.
 */
export function harmless(text: string): string {
  const parts = text.split(colours)
  const shown = parts.map((part, index) => (index % 2 === 1 ? part : part.replace(controls, caret))).join('')
  return parts.length > 1 ? `${shown}${esc}[0m` : shown
}

const esc = '\u001b'
const colours = new RegExp(`(${esc}\\[[\\d;:]*m)`)

// All but the tab; also what turns the direction of writing round, by which a line can look like another.
const controls = /[^\P{Cc}\t]|[\u202a-\u202e\u2066-\u2069]/gu

function caret(character: string): string {
  const code = character.charCodeAt(0)
  if (code < 32 || code === 127) return `^${String.fromCharCode(code ^ 64)}`
  return `\\u${code.toString(16).padStart(4, '0')}`
}
