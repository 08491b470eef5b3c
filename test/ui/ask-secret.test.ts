import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { askSecret } from '../../src/ui/ask-secret.ts'

/** What comes of keys that are typed, what was echoed, and whether the terminal is as it was. */
async function type(...keys: string[]) {
  const modes: boolean[] = []
  const stderr = new PassThrough()
  const setRawMode = (mode: boolean) => {
    modes.push(mode)
    // Who answers at once is not to meet a terminal that echoes.
    if (mode) expect(stderr.readableLength).toBe(0)
  }
  const stdin = Object.assign(new PassThrough(), { setRawMode })
  const answer = askSecret(stdin as never, stderr as never, 'Password: ')
  for (const key of keys) stdin.write(key)
  const given = await answer.catch(error => error.code)
  return { given, echoed: String(stderr.read()), modes }
}

describe('a password that is asked for', () => {
  test.each<[string[], string]>([
    [['hunter2\r'], 'hunter2'],
    [['h', 'u', 'n', '\n'], 'hun'],
    [['pä$$ "wörd" 🔑\r'], 'pä$$ "wörd" 🔑'],
    [['abc\u007f\u007fd\r'], 'ad'],
    [['🔑\u007fx\r'], 'x'],
    [['\u007f\u007fx\r'], 'x'],
    [['wrong\u0015right\r'], 'right'],
    [['a\u001b\u0007b\r'], 'ab'],
    [['a\u0004b\r'], 'ab'],
    [['\r'], ''],
    [['first\rsecond\r'], 'first'],
    [['abc\u0003'], 'interrupted'],
    [['\u0004'], 'interrupted'],
  ])('%j gives %j, without echo', async (keys, expected) => {
    expect(await type(...keys)).toEqual({ given: expected, echoed: 'Password: \n', modes: [true, false] })
  })
})
