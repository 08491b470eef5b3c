import { isDeepStrictEqual } from 'node:util'
import { parse } from 'dotenv'

/**
 * The text of a .env file with these variables after what is there. `lost` names those whose value no form of quoting
 * brings back to the byte; the text does not have them.
 */
export function addVariables(
  source: string,
  variables: readonly { name: string; value: string }[],
): { text: string; lost: string[] } {
  const lost: string[] = []
  let text = source
  for (const { name, value } of variables) {
    const added = withVariable(text, name, value)
    if (added === undefined) lost.push(name)
    else text = added
  }
  return { text, lost }
}

/** The first form of quoting by which reading the whole file again gives what it gave before, and this value. */
function withVariable(source: string, name: string, value: string): string | undefined {
  const newline = source.includes('\r\n') ? '\r\n' : '\n'
  const whole = source === '' || source.endsWith('\n') ? source : `${source}${newline}`
  const expected = { ...parse(source), [name]: value }
  return quoted(value)
    .map(written => `${whole}${name}=${written}${newline}`)
    .find(text => isDeepStrictEqual({ ...parse(text) }, expected))
}

/** Single quotes first: shells and Docker Compose, which also read such files, expand nothing in them. */
function quoted(value: string): string[] {
  const escaped = value.replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  const isPlain = /^[\w.+/=:@%,-]+$/.test(value)
  const forms = [`'${value}'`, `"${value}"`, `\`${value}\``, `"${escaped}"`]
  // dotenv also takes a quote inside of the same quotes, which nobody else does.
  const isClean = (form: string) => !form.slice(1, -1).includes(form.charAt(0))
  return [...(isPlain ? [value] : []), ...forms.filter(isClean), ...forms.filter(form => !isClean(form))]
}
