import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, printTable } from './table.mjs'

const runs = 15

/**
 * Against an empty program, since Node itself is most of it. All take turns, so that they meet the same weather.
 * @param {string} root
 */
export async function measureStartUp(root) {
  const folder = mkdtempSync(join(tmpdir(), 'jiji-bench-'))
  const empty = join(folder, 'empty.mjs')
  writeFileSync(empty, '')
  const program = join(root, 'dist/main.js')
  const commands = [[empty], [program, '--help'], [program, 'version']]
  const times = commands.map(() => /** @type {number[]} */ ([]))
  try {
    for (let run = 0; run < runs; run++) {
      for (const [index, words] of commands.entries()) times[index]?.push(timeOf(words, folder))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  const [bare = 0, ...own] = times.map(median)
  const row = (/** @type {string} */ name, /** @type {number} */ time) => [
    name,
    `${time.toFixed(1)} ms`,
    (time / bare).toFixed(2),
  ]
  printTable(
    `start-up, median of ${runs} runs (the mark for --help: 1.15)`,
    ['', 'time', 'ratio'],
    [
      row('an empty program', bare),
      row('jiji --help', own[0] ?? 0),
      row('jiji version', own[1] ?? 0),
      ['kamal version, measured earlier', '380 ms', ''],
    ],
  )
}

/**
 * @param {string[]} words
 * @param {string} cwd
 */
function timeOf(words, cwd) {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, words, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 30_000,
  })
  const time = performance.now() - start
  if (status !== 0) throw new Error(`node ${words.join(' ')} ended with ${status}: ${stderr}`)
  return time
}
