import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { action, runAction } from './e2e/action.ts'

const [, ...afterInstalling] = action.runs.steps

describe('action.yml', () => {
  test('has inputs reach a shell through its environment alone', () => {
    for (const { run, env = {}, shell } of action.runs.steps) {
      expect(shell).toBe('bash')
      expect(run).not.toContain('${{')
      for (const value of Object.values(env)) expect(value).toMatch(/^\$\{\{ inputs\.[\w-]+ \}\}$/)
    }
    const used = action.runs.steps.flatMap(({ env = {} }) => Object.values(env).map(value => value.slice(11, -3)))
    expect(used.sort()).toEqual(Object.keys(action.inputs).sort())
  })
  test('gives what its step gives', () => {
    for (const [name, { value }] of Object.entries(action.outputs))
      expect(value).toBe(`\${{ steps.run.outputs.${name} }}`)
  })
})

describe('a job with the action', () => {
  let folder: string
  let place: Parameters<typeof runAction>[1]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'jiji-action-'))
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    // In the place of jiji: it says what it was given, which keys the agent has, and who has started it.
    const said = `#!/bin/sh
printf '[%s]' "$@"; pwd; env | sort >"$HOME/environment";
ssh-add -l >"$HOME/keys" 2>&1; echo "$PPID" >"$HOME/parent"; exit 6
`
    writeFileSync(join(bin, 'jiji'), said, { mode: 0o755 })
    mkdirSync(join(folder, 'repo', 'app'), { recursive: true })
    symlinkSync(process.execPath, join(bin, 'node'))
    const environment = { HOME: folder, PATH: `${bin}:${process.env.PATH}`, DATABASE_URL: 'of the job' }
    place = { workspace: join(folder, 'repo'), temp: join(folder, 'temp'), environment }
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test.each([
    ['deploy', '[deploy]'],
    ['deploy -S web --dry-run', '[deploy][-S][web][--dry-run]'],
    [`exec web -- sh -c 'echo "a  b"'`, '[exec][web][--][sh][-c][echo "a  b"]'],
    ['logs --grep "it\'s $HOME *; `id` $(id)"', "[logs][--grep][it's $HOME *; `id` $(id)]"],
    ['status\n  -o json\n', '[status][-o][json]'],
    ['status $(touch x); touch y & echo * >z', '[status][$(touch][x);][touch][y][&][echo][*][>z]'],
  ])('%j is words, of which none is expanded', async (command, words) => {
    const { code, stdout } = await runAction({ command, 'working-directory': 'app' }, place, afterInstalling)
    expect(stdout).toBe(`${words}${place.workspace}/app`)
    expect(code).toBe(6)
  })
  test('is refused a command that does not end', async () => {
    const { code, stdout } = await runAction({ command: "deploy 'it" }, place, afterInstalling)
    expect({ code, stdout }).toEqual({
      code: 2,
      stdout: '::error title=jiji::the input command has a quote that does not end',
    })
  })
  // The agent looks every 10 s whether jiji is still there.
  test('has its key in an agent, and nowhere else, as long as jiji runs', { timeout: 90_000 }, async () => {
    const key = await newKey(join(folder, 'key'))
    const inputs = { 'ssh-key': key.replaceAll('\n', '\r\n'), 'known-hosts': 'web1 ssh-ed25519 AAAA' }
    const { stdout, environment } = await runAction(inputs, place, afterInstalling)
    expect(stdout).toContain('[deploy]')
    const seen = await readFile(join(folder, 'environment'), 'utf8')
    expect(await readFile(join(folder, 'keys'), 'utf8')).toContain('(ED25519)')
    expect(seen).toContain('DATABASE_URL=of the job')
    expect(seen).not.toMatch(/PRIVATE KEY|BASH_FUNC|SSH_KEY/)
    const { stdout: files } = await execa('grep', ['-rlF', key.split('\n')[1] ?? '', folder], { reject: false })
    expect(files).toBe(join(folder, 'key'))
    const [, agent = '0'] = /^SSH_AGENT_PID=(\d+)$/m.exec(seen) ?? []
    await expect.poll(() => isAlive(Number(agent))).toBe(false)
    expect(environment.SSH_AUTH_SOCK).toBeUndefined()
    // In the job's own folder, which the runner empties: a home may be there for the next job.
    expect(environment.JIJI_KNOWN_HOSTS).toBe(`${place.temp}/jiji-known-hosts`)
    expect(await readFile(environment.JIJI_KNOWN_HOSTS ?? '', 'utf8')).toBe('web1 ssh-ed25519 AAAA\n')
    expect(existsSync(join(folder, '.ssh'))).toBe(false)
  })
  // The runner interrupts what it has started itself, and bash would keep that from what it waits for.
  test.each([true, false])('that is cancelled interrupts jiji itself, with a key: %s', async hasKey => {
    const key = hasKey ? { 'ssh-key': await newKey(join(folder, 'key')), 'known-hosts': 'a' } : {}
    await runAction({ command: 'deploy', ...key }, place, afterInstalling)
    expect(await readFile(join(folder, 'parent'), 'utf8')).toBe(`${process.pid}\n`)
  })
  test('without a command has its key for later steps', async () => {
    const inputs = { command: '', 'ssh-key': await newKey(join(folder, 'key')), 'known-hosts': 'a' }
    const { code, stdout, environment } = await runAction(inputs, place, afterInstalling)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    const { SSH_AUTH_SOCK = '', SSH_AGENT_PID } = environment
    try {
      expect((await execa('ssh-add', ['-l'], { env: { SSH_AUTH_SOCK } })).stdout).toContain('(ED25519)')
    } finally {
      process.kill(Number(SSH_AGENT_PID))
    }
  })
  test.each([
    ['a key that is none', { 'ssh-key': 'nonsense', 'known-hosts': 'a' }, 'no private key without a passphrase'],
    ['a key without known hosts', { 'ssh-key': 'nonsense' }, 'comes known-hosts'],
  ])('is refused %s', async (_, inputs, message) => {
    const { code, stdout } = await runAction(inputs, place, afterInstalling)
    expect(stdout).toContain(message)
    expect(code).toBe(2)
  })
})

async function newKey(file: string): Promise<string> {
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'of a test', '-f', file])
  return readFile(file, 'utf8')
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
