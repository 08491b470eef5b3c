import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { commandLine } from '../../src/shell/command-line.ts'
import { attachTo, attachWords } from '../../src/shell/exec.ts'
import { hostile, hostileLines } from './hostile.ts'
import { shells } from './shells.ts'

const words = [hostile, hostileLines, '', '-n', '%s %%', '\\0101 \\n', '!history', '🦜 ünï', '~', '*', '{a,b}']
const loginShells = [...shells, ...(['fish', 'csh', 'tcsh', 'zsh'] as const).map(name => [name] as const)].filter(
  ([program, ...options]) => spawnSync(program, [...options, '-c', 'exit 7']).status === 7,
)

describe('a script as one line', () => {
  test.each(loginShells)('gives its words unchanged to what it runs, from %s', (program, ...options) => {
    const script = attachWords(['node', '-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...words])
    const { stdout } = spawnSync(program, [...options.filter(one => one), '-c', commandLine(script)], {
      encoding: 'utf8',
    })
    expect(JSON.parse(stdout)).toEqual(words)
  })
  test('has nothing in it that shells do not agree on', () => {
    const line = commandLine(attachTo('podman', 'app-web-1', words))
    expect(line).toMatch(/^exec sh -c 'eval "\$\(printf %b "\$1"\)"' sh '[A-Za-z0-9_./:=, \\-]*'$/)
  })
})
