import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startRig } from './rig.ts'
import { must, type Server } from './server.ts'

/** Servers w1, w2 ... of which only sshd and what it starts are real. */
export type Stubs = {
  names: string[]
  /** For `ssh -F`. */
  sshConfigFile: string
  /** Part of a deploy.yml: how they are reached, and which of them there are. */
  configuration(names?: readonly string[]): string
  /** How many commands each of their sshds has started so far. */
  executions(): Promise<number[]>
  /** Has a server's sshd listen no more. */
  takeDown(name: string): Promise<void>
  /** Holds back each packet for some milliseconds in each direction; needs a C compiler. */
  delay(milliseconds: number | 'off'): Promise<void>
  stop(): Promise<void>
}

const engine = fileURLToPath(new URL('stub-engine.sh', import.meta.url))

/**
 * Many servers for little: they share a server of a rig, and so its cable, and have a port each, an sshd, a home, the
 * folder for jiji's records and that for the proxy's files. Their engine only remembers.
 */
export async function startStubs(count: number, name = 'stubs'): Promise<Stubs> {
  const rig = await startRig({ servers: ['none'], name })
  try {
    const [host] = rig.servers as [Server]
    const names = Array.from({ length: count }, (_, index) => `w${index + 1}`)
    await must(host, 'mkdir /srv/bin && cat >/srv/bin/docker && chmod 755 /srv/bin/docker', {
      input: readFileSync(engine),
    })
    await must(host, boot(names))
    const { address } = host
    const [type, key] = readFileSync(join(rig.dir, 's1', 'hostkey.pub'), 'utf8').split(' ')
    const knownHosts = names.map((_, index) => `[${address}]:${portOf(index)} ${type} ${key}\n`)
    writeFileSync(rig.knownHosts, knownHosts.join(''))
    const hosts = names.map((name, index) => `Host ${name}\n  HostName ${address}\n  Port ${portOf(index)}\n`)
    const everywhere = `Host *\n  User root\n  IdentityFile ${rig.key}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${rig.knownHosts}\n`
    writeFileSync(rig.sshConfigFile, [...hosts, everywhere].join('\n'))
    return {
      names,
      sshConfigFile: rig.sshConfigFile,
      configuration: (some = names) =>
        `ssh: {config: ${rig.sshConfigFile}}\nservers: {${some.map(name => `${name}: {host: ${name}}`).join(', ')}}`,
      executions: async () => {
        const logs = names.map(name => `${name}/log`).join(' ')
        const { stdout } = await host.exec(`cd /srv && grep -c '^Starting session: ' ${logs}`)
        return stdout.split('\n').map(line => Number(line.split(':')[1]))
      },
      takeDown: async name => void (await must(host, `kill "$(cat /srv/${name}/pid)"`)),
      delay: host.delay,
      stop: rig.stop,
    }
  } catch (error) {
    await rig.stop()
    throw error
  }
}

/** An sshd goes to the background when it listens. What it starts sees the mounts that it sees. */
function boot(names: readonly string[]): string {
  return `ln -s docker /srv/bin/caddy && ln -s docker /srv/bin/wget && mkdir -p /var/lib/jiji /jiji || exit
port=${portOf(0)}
for name in ${names.join(' ')}; do
  home=/srv/$name
  mkdir -p "$home/records" "$home/proxy"
  cat >"$home/sshd_config" <<CONFIG
Port $port
HostKey /root/.rig/hostkey
PidFile $home/pid
AuthorizedKeysFile /root/.ssh/authorized_keys
PasswordAuthentication no
UsePAM no
LogLevel VERBOSE
SetEnv HOME=$home PATH=/srv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CONFIG
  unshare --mount sh -c 'mount --bind "$1/records" /var/lib/jiji && mount --bind "$1/proxy" /jiji &&
    exec /usr/sbin/sshd -E "$1/log" -f "$1/sshd_config"' sh "$home" </dev/null >/dev/null || exit
  port=$((port + 1))
done`
}

function portOf(index: number): number {
  return 2201 + index
}
