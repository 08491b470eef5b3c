/**
 * The words of a command line, as a shell would cut it: quotes and backslashes are read, and nothing is expanded.
 * Undefined where a quote is not closed.
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let rest = line
  while (rest !== '') {
    const match = /^(?:(\s+)|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+))/.exec(rest)
    if (!match) return undefined
    const [whole, space, single, double, escaped, plain] = match
    rest = rest.slice(whole.length)
    if (space !== undefined) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + (single ?? double?.replace(/\\(["\\$`\n])/g, '$1') ?? escaped ?? plain ?? '')
  }
  return word === undefined ? words : [...words, word]
}
