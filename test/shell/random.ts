/** Chance that comes out the same each time, so that a failure can be seen again. */
export function random(seed: number) {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T
  const text = (most: number) => Array.from({ length: Math.floor(next() * (most + 1)) }, () => pick(nasty)).join('')
  return { next, pick, text }
}

const nasty = [
  ...'abzAZ09 \t\n\r\'"`$\\|&;<>(){}[]*?!#~=%^@:,.+-_/',
  ...[
    '$(id)',
    '${HOME}',
    '`id`',
    "'\\''",
    '\\\n',
    '--',
    '-n',
    '\u0001',
    '\u007f',
    'é',
    '日本',
    '😀',
    '\u2028',
    '\ufeff',
  ],
]
