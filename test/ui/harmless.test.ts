import { expect, test } from 'vitest'
import { harmless } from '../../src/ui/harmless.ts'

test.each<[string, string]>([
  ['plain 🦜 ünï\ttab', 'plain 🦜 ünï\ttab'],
  ['\u001b[31mred\u001b[0m', '\u001b[31mred\u001b[0m\u001b[0m'],
  ['\u001b[38;2;1;2;3mrgb', '\u001b[38;2;1;2;3mrgb\u001b[0m'],
  ['\u001b]0;title\u0007', '^[]0;title^G'],
  ['\u001b[2J\u001b[Hgone', '^[[2J^[[Hgone'],
  ['50 %\r100 %\u0008\u007f', '50 %^M100 %^H^?'],
  ['\u009b31m', '\\u009b31m'],
  ['user\u202etxt.exe', 'user\\u202etxt.exe'],
])('%j is shown as %j', (text, shown) => expect(harmless(text)).toBe(shown))
