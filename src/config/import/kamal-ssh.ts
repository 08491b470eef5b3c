import type { Path } from '../document.ts'
import { isMap } from '../draft.ts'
import { secretNameOf } from './names.ts'
import { eachKey, type Translation, textsIn } from './translation.ts'

/** Kamal logs in as root unless it is told otherwise. */
export function translateSsh(translation: Translation, value: unknown, from: Path): void {
  const own = isMap(value) ? value : {}
  translation.put(['ssh', 'user'], own.user ?? 'root', [...from, 'user'])
  eachKey(
    translation,
    own,
    from,
    {
      user: '',
      port: (port, at) => translation.put(['ssh', 'port'], port, at),
      proxy: (host, at) => {
        const text = String(host)
        translation.put(['ssh', 'proxy'], text.includes('@') ? text : `root@${text}`, at)
      },
      keys: (keys, at) => {
        for (const { text, from: place } of textsIn(translation, keys, at))
          translation.append(['ssh', 'keys'], text, place)
      },
      key_data: (names, at) => {
        for (const { text, from: place } of textsIn(translation, names, at)) {
          if (/^\s*-----BEGIN|\n/.test(text))
            translation.leave(place, 'put the key into a secret, and write its name under ssh.keys')
          else translation.append(['ssh', 'keys'], secretNameOf(text), place)
        }
      },
      config: (config, at) => {
        if (Array.isArray(config)) translation.leave(at, 'one file at most: put an Include into it')
        else translation.put(['ssh', 'config'], config, at)
      },
      keys_only: 'write IdentitiesOnly into ~/.ssh/config',
      proxy_command: 'write ProxyCommand into ~/.ssh/config',
      forward_agent: 'the agent is not lent to servers',
      log_level: 'jiji -v shows what is run',
    },
    'ssh has no such key here',
  )
}
