import { readFileSync, statSync } from 'node:fs'
import { parse } from 'dotenv'
import { JijiError } from '../errors.ts'
import { decode } from './text-file.ts'

/** What a `.env` file holds. */
export type EnvFile = {
  values: Readonly<Record<string, string>>
  /** What is wrong with the value of a name, in words without the value; undefined when it is what was written. */
  doubt: (name: string) => { message: string; hint: string } | undefined
}

/** Nobody has more secrets, and `parse` takes quadratic time on many empty lines in a row. */
const longest = 256_000
const tooLarge = `it is larger than ${longest / 1000} kB`
const emptyLines = /[\n\u2028\u2029](?:[^\S\n\u2028\u2029]*[\n\u2028\u2029]){200}/

/**
 * Only `parse`: it expands nothing, so that `$`, `+` and `|` survive.
 * @throws JijiError config.missing
 */
export function readEnvFile(file: string): EnvFile {
  const text = readText(file)
  if (text === undefined) return { values: {}, doubt: () => undefined }
  const values = parse(text)
  return { values, doubt: name => doubtOf(text, name, values[name] ?? '') }
}

function readText(file: string): string | undefined {
  try {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (!stats) return undefined
    // A password manager may offer a pipe in the file's place; a device may have no end.
    if (!stats.isFile() && !stats.isFIFO()) throw new Error('it is no file')
    if (stats.size > longest) throw new Error(tooLarge)
    const bytes = readFileSync(file)
    if (bytes.length > longest) throw new Error(tooLarge)
    const text = decode(bytes).replace(/\r\n?/g, '\n')
    if (emptyLines.test(text)) throw new Error('it has hundreds of empty lines in a row')
    return text
  } catch (cause) {
    throw new JijiError('config.missing', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

type Doubt = ReturnType<EnvFile['doubt']>

function doubtOf(text: string, name: string, value: string): Doubt {
  if (value.includes('\ufffd')) {
    return { message: 'has bytes that are not UTF-8', hint: 'save the file as UTF-8, or put the value in base64' }
  }
  const assignment = new RegExp(`^\\s*(?:export\\s+)?${name}(?:\\s*=|:\\s)(.*)`)
  const lines = text.split('\n')
  const index = lines.findLastIndex(line => assignment.test(line))
  const [, written = ''] = assignment.exec(lines[index] ?? '') ?? []
  const line = index + 1
  return cutOff(written, value, line) ?? doubtOfQuotes(written, value, line) ?? halfWritten(written.trim(), value, line)
}

/** Without quotes a `#` ends the value, also inside of a word, where few mean it as the beginning of a comment. */
function cutOff(written: string, value: string, line: number): Doubt {
  const [before = '', ...after] = written.split('#')
  // In quotes, or as a part of another value, it would not be the same as what was read.
  if (after.length === 0 || /\s$/.test(before) || before.trim() !== value) return undefined
  return {
    message: `is cut off at a # in line ${line}`,
    hint: 'write it in quotes there, or with a space before the # if a comment is meant',
  }
}

/** A quote that has no end is a part of the value, and so is a `\` before one. */
function doubtOfQuotes(written: string, value: string, line: number): Doubt {
  const mark = /^["'`]/.exec(written.trim())?.[0]
  if (mark !== undefined && value.startsWith(mark)) {
    const message = `begins in line ${line} with a quote that has no end, or more after its end`
    return { message, hint: 'put the same quote at its end, and nothing after it but a comment' }
  }
  if (mark === '"' && value.includes('\\"')) {
    const message = `has \\" in line ${line} or after it, where the \\ would be a part of it`
    return { message, hint: "put it in '…' or `…`, where a \" needs nothing before it" }
  }
  return undefined
}

/** What other programs read otherwise, so that nobody means what stands there. */
function halfWritten(written: string, value: string, line: number): Doubt {
  const isLiteral = written.startsWith("'")
  if (/^-----BEGIN [\w ]+-----$/.test(value))
    return { message: `is its first line alone, in line ${line}`, hint: 'write all of its lines in one pair of quotes' }
  if (/^\$\(.*\)$/.test(value) && !isLiteral)
    return {
      message: `is a command in line ${line}, which nobody runs there`,
      hint: 'write $(…) in deploy.yml in place of the name: jiji runs it. In single quotes the line is taken as it stands',
    }
  if (/^\$(\w+|\{\w+\})$/.test(value) && !isLiteral)
    return {
      message: `is the name of a variable in line ${line}, which nobody looks up there`,
      hint: 'leave the line out: jiji looks into the environment first. In single quotes the line is taken as it stands',
    }
  return undefined
}
