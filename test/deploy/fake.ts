import { JijiError } from '../../src/errors.ts'
import { whenAborted } from '../../src/runner/abort.ts'
import type { Output, Runner } from '../../src/runner/runner.ts'
import { exits } from '../../src/shell/engine.ts'
import type { Script } from '../../src/shell/script.ts'

export type Answer = Partial<Output> & {
  /** Keeps the script running: it answers when its signal or `until` ends it. */
  hangs?: boolean
  /** The connection is lost when it has said what it says. */
  lost?: boolean
}

/** What a script of ours does, and to what: `replace app-web-r2`, `pull web`, `lock`. */
export type Deed = string

/**
 * Runners that answer as the scripts do on a server where all goes well, or as they are told: a key is a deed, its
 * first word, or `SERVER DEED`. `log` has every deed in the order in which they began.
 */
export function fakeServers(names: readonly string[], answers: Readonly<Record<string, Answer>> = {}) {
  const log: string[] = []
  const scripts: { server: string; deed: Deed; script: Script }[] = []
  const runner = (server: string): Runner => ({
    server,
    async run(script, { signal, until, onLine, onChunk } = {}) {
      if (signal?.aborted) throw signal.reason
      const deed = deedOf(script)
      log.push(`${server} ${deed}`)
      scripts.push({ server, deed, script })
      const {
        hangs = false,
        lost = false,
        ...told
      } = answers[`${server} ${deed}`] ?? answers[deed] ?? answers[verbOf(deed)] ?? {}
      const output = { ...usual(deed), ...told }
      await Promise.resolve()
      const say = (text: string) => {
        for (const line of text.split('\n').filter(line => line !== '')) onLine?.(line, 'stdout')
      }
      say(output.stdout)
      await onChunk?.(Buffer.from(output.stdout), 'stdout')
      await onChunk?.(Buffer.from(output.stderr), 'stderr')
      if (lost) throw new JijiError('server.lost', `the connection to ${server} was lost`, { server })
      if (!hangs && deed !== 'lock') return output
      if (deed === 'lock' && output.code !== 0) return output
      await new Promise<void>(resolve => {
        const over = new AbortController().signal
        whenAborted(signal, resolve, over)
        whenAborted(until, resolve, over)
      })
      log.push(`${server} ${deed} ended`)
      if (signal?.aborted) throw signal.reason
      return { ...output, code: 143 }
    },
    async close() {},
  })
  return { log, scripts, runners: new Map(names.map(name => [name, runner(name)])) }
}

/** What requireLock makes a script begin with. */
const requirement = /^(state=.*\n|\[ "\$\(id.*\n)+\[ "\$\(cat "\$state\/lock\/owner".*\|\| exit 99\n/

function deedOf(script: Script): Deed {
  const text = String(script).replace(requirement, '')
  const candidate = /^candidate=(\S+)$/m.exec(text)?.[1]
  if (text.includes('whose=$(cat')) return 'restore'
  if (text.includes('echo ready\n')) return 'lock'
  if (text.includes('--password-stdin')) return 'log in'
  if (/(docker|podman) logout/.test(text)) return 'log out'
  const hook = /^exec \w+ run --rm --name (\S+-hook) /m.exec(text)?.[1]
  if (hook) return `hook ${hook}`
  if (candidate) return `${text.includes('--env-file') ? 'start' : 'restart'} ${candidate}`
  if (text.includes("printf 'digest %s '"))
    return `pull ${[...text.matchAll(/echo '?pulled (\w+)/g)].map(([, one]) => one)}`
  if (text.includes('echo "engine $status"')) return 'examine'
  if (text.includes('.DockerRootDir')) return 'room'
  if (text.includes('docker info')) return 'ways'
  if (text.includes('{{json .RootFS.Layers}}')) return 'holdings'
  if (text.includes('tries="$tries')) return `try ${[...text.matchAll(/"\$@" (\S+) \$!/g)].map(([, one]) => one)}`
  if (text.includes(' | ssh ')) return `give ${/HostKeyAlias=(\S+)/.exec(text)?.[1]}`
  if (text.includes('echo image ')) return 'find images'
  if (text.includes('echo "clock ')) return 'trust'
  if (text.includes('caddy run')) return text.includes('caddy validate') ? 'proxy and routes' : 'proxy'
  if (text.includes('caddy validate')) return 'routes'
  if (text.includes('if [ "$(cat "$state/current"')) return 'withdraw'
  if (text.includes('/releases/.new')) return 'record'
  if (text.includes('for image in') || /^:\n.*".audit/s.test(text)) return 'finish'
  if (text.includes('echo "engine $version"')) return 'observe'
  if (text.includes('garbage-collect')) return 'collect garbage'
  if (text.includes('unread()')) return text.includes('while :; do\n  if cd') ? 'follow audit' : 'read audit'
  if (text.includes('mkdir "$lock"')) return 'take lock'
  if (text.includes('rm -rf "$lock"')) return 'release lock'
  if (text.includes('holder $how')) return 'read lock'
  if (text.includes('".audit.$$"')) return 'audit'
  if (text.includes('docker logs')) return 'logs'
  if (text.includes('docker build') || text.includes('buildx version')) return 'build'
  if (text.includes(' push ')) return 'push'
  if (text.includes('git rev-parse')) return 'version'
  if (text.includes('/_manifests/')) return 'read registry'
  if (text.includes('inspect --type container')) return 'remove registry'
  return text.trim()
}

function verbOf(deed: Deed): string {
  return deed.split(' ')[0] ?? ''
}

function usual(deed: Deed): Output {
  const [verb, object] = deed.split(' ')
  const stdout =
    verb === 'start' || verb === 'restart'
      ? 'started\nhealthy\nswitched\ndrained\nstopped\n'
      : verb === 'pull'
        ? `${object}`
            .split(',')
            .map(one => `pulled ${one}\ndigest ${one} ["${one}@sha256:${one}"]\n`)
            .join('')
        : verb === 'lock' || verb === 'observe'
          ? 'engine {"version":"27","arch":"amd64"}\nready\n'
          : deed === 'push'
            ? `digest sha256:${'0'.repeat(64)}\n`
            : deed === 'log out' || deed === 'remove registry'
              ? 'done\n'
              : deed === 'read registry'
                ? 'port 9270\nused 4000\n'
                : deed === 'collect garbage'
                  ? 'used 3000\n'
                  : deed === 'examine'
                    ? 'memory tmpfs /dev/shm\nmemory asked\nsaid {"version":"27"}\nengine 0\n'
                    : deed === 'ways'
                      ? '{"proxy":"http://proxy.invalid"}\n' // so that no registry is missed
                      : ''
  return { code: 0, stdout, stderr: '' }
}

export const unhealthy: Answer = {
  code: exits.unhealthy,
  stdout: 'started\nreason /up answered 503 in 60 s\nlog the database\nlog is missing\n',
}
