import { spawn } from 'node:child_process'

/**
 * @typedef {{ code: number, stdout: string, stderr: string }} Output
 * @typedef {object} CommandOptions
 * @property {string} [cwd]
 * @property {Record<string, string | undefined>} [env] laid over this process's own
 * @property {string | import('node:stream').Readable} [input]
 * @property {number} [timeout] milliseconds, after which the program is killed and the code is 124
 * @property {AbortSignal} [signal] kills the program; the code is 125
 * @property {(text: string) => void} [onOutput] each piece of output of either stream as it comes
 */

/**
 * Runs a program to its end. Another status than 0 is a result; a program that is not there has code 127, as in a shell.
 * @param {string} program
 * @param {string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<Output>}
 */
export function run(program, args, options = {}) {
  return new Promise(resolve => {
    const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env } })
    let stdout = ''
    let stderr = ''
    /** @type {number | undefined} */
    let forced
    /** @param {number} code */
    const kill = code => {
      forced ??= code
      child.kill('SIGKILL')
    }
    const onAbort = () => kill(125)
    const timer = options.timeout ? setTimeout(kill, options.timeout, 124) : undefined
    if (options.signal?.aborted) onAbort()
    options.signal?.addEventListener('abort', onAbort)

    /** @param {number} code */
    const finish = code => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      resolve({ code: forced ?? code, stdout, stderr })
    }
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
      options.onOutput?.(text)
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
      options.onOutput?.(text)
    })
    child.on('error', error => {
      stderr += error.message
      finish(127)
    })
    child.on('close', code => finish(code ?? 128))
    child.stdin.on('error', () => {}) // a program that ends before it has read everything is no failure of ours
    if (typeof options.input === 'object') options.input.pipe(child.stdin)
    else child.stdin.end(options.input)
  })
}

/**
 * Runs a program that has to succeed.
 * @param {string} program
 * @param {string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<string>} its stdout, without white space around it
 */
export async function must(program, args, options) {
  const { code, stdout, stderr } = await run(program, args, options)
  if (code !== 0)
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} … exited with ${code}: ${lastLines(stderr || stdout)}`)
  return stdout.trim()
}

/**
 * @param {string} text
 * @param {number} [count]
 */
export function lastLines(text, count = 5) {
  return text.trim().split('\n').slice(-count).join('\n')
}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`${line}\n`)
}

/** @param {number} ms */
export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
