import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { pasted, pastedAtTerminal } from '../../src/shell/pasted.ts'
import { type Script, sh } from '../../src/shell/script.ts'
import { runFramed } from './shells.ts'

/** As somebody does who pastes it into a terminal, with lines below it that are not part of it. */
function paste(text: string) {
  const { status, stdout, stderr } = spawnSync('bash', [], { input: `${text}\necho "and then $?"\n`, encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('what is shown to be pasted', () => {
  test.each<[string, Script]>([
    ['words with everything in them', sh`printf '%s|' ${['it\'s "$HOME"', '`id`', 'a\\nb', 'EOF', '\ttab', '💥']}`],
    ['lines that are an end', sh`cat ${'/dev/null'}\n: 'one\nEOF\nEOF_\n'; echo after`],
    ['something that reads its stdin', sh`cat; head -n 1; echo after`],
    ['a comment in the last line', sh`echo one # and two`],
    ['a clean-up', sh`on_exit() { echo cleaned; }\necho ran\nexit 9`],
    [
      'a folder of its own',
      sh`make_private\n[ -d "$private" ] && stat -c %a "$private"; echo x >"$private"/file; cat "$private"/file`,
    ],
    ['what can be interrupted', sh`interruptible sh -c 'exit 6'; echo $?\ninterruptible echo done; exit 3`],
    ['what nobody has heard of', sh`nonsense 2>/dev/null`],
  ])('does what it does in its frame: %s', async (_, script) => {
    const { code, stdout } = await runFramed(script)
    expect(paste(pasted(script, undefined))).toEqual({ status: 0, stdout: `${stdout}and then ${code}\n`, stderr: '' })
  })
  test('leaves nothing behind', () => {
    const { stdout } = paste(pasted(sh`make_private; echo "$private"`, undefined))
    const folder = stdout.split('\n')[0] ?? ''
    expect(folder).toMatch(/jiji\.\w+$/)
    expect(readdirSync(folder.replace(/\/[^/]+$/, ''))).not.toContain(folder.replace(/.*\//, ''))
  })
  test('has a variable for each secret, and goes no further without it', () => {
    const script = sh`printf '%s' ${new Secret('TOKEN', 'hunter2')} | wc -c; printf ${new Secret('ssh.keys[0]', 'hunter3')}; echo went on`
    const text = pasted(script, undefined)
    expect(text).not.toContain('hunter')
    expect(paste(text)).toMatchObject({
      stdout: expect.not.stringContaining('went on'),
      stderr: expect.stringContaining('TOKEN'),
    })
    const given = text.replace('{ exec', "{ TOKEN='12 45'; exec")
    expect(paste(given).stdout).toBe('5\n[ssh.keys[0]]went on\nand then 0\n')
  })
  test('goes where the server is, and says what is missing', () => {
    expect(pasted(sh`echo`, '-p 22 root@web1')).toMatch(
      /^ssh -p 22 root@web1 sh <<'EOF'\n\{ exec <\/dev\/null; umask 077\n/,
    )
    expect(pasted(sh`cat <&3`, 'web1', { isFed: true })).toMatch(
      /^# what jiji sends .*\nssh web1 sh <<'EOF'\n\{ exec 3<&0 /,
    )
  })
  test('of somebody at a terminal is one word of its shell', () => {
    expect(pastedAtTerminal(sh`exec docker exec -it ${"it's"} sh`, 'web1')).toMatch(
      /^ssh -t web1 'PATH=.*\nexec docker /,
    )
    expect(paste(pastedAtTerminal(sh`printf %s ${"it's $HOME"}; exit 4`, undefined)).stdout).toBe(
      "it's $HOMEand then 4\n",
    )
  })
})
