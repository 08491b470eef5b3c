// What examples find around them: the machines and registries that they name, and a laptop and a runner to deploy from.
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { archiveOf } from './rig/images.ts'
import type { Rig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'
import type { Machine } from './workflow.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
// What the bundle leaves outside.
const external = ['ssh2', 'asn1', 'bcrypt-pbkdf', 'safer-buffer', 'tweetnacl'].map(name => `node_modules/${name}`)
/** What the team pushes with whose registry others only pull from. */
export const teamToken = 'pl4tform-t0ken'

/** The names that examples have for what is in the rig's network. */
export async function nameEverything({ servers: [, web1, podman], servers, controller }: Rig): Promise<void> {
  const names = [
    `${web1?.address} web1.example.com`,
    `${podman?.address} web2.example.com pod1.example.com`,
    `${controller} ghcr.io registry.example.com`,
  ]
  await Promise.all(servers.map(server => must(server, 'cat >> /etc/hosts', { input: `${names.join('\n')}\n` })))
}

export async function installJiji(laptop: Server): Promise<void> {
  const archive = await execa('tar', ['-c', 'dist', ...external, '.jiji', 'examples'], {
    cwd: root,
    encoding: 'buffer',
  })
  await must(laptop, 'mkdir -p /root/jiji /root/bin && tar -x -C /root/jiji', { input: archive.stdout })
  const script = `#!/bin/sh\nexec ${process.execPath} /root/jiji/dist/main.js "$@"\n`
  await must(laptop, 'cat > /root/bin/jiji && chmod 755 /root/bin/jiji', { input: script })
}

/** What Docker Hub would be asked for comes from a mirror of it, as `redis:7` all the same. */
export async function mirrorRedis(server: Server, host: string): Promise<void> {
  const archive = await archiveOf('redis:7')
  const to = `docker://${host}/library/redis:7`
  await execa('skopeo', ['copy', '-q', '--dest-tls-verify=false', `docker-archive:${archive}`, to])
  const settings = JSON.stringify({ 'registry-mirrors': [`http://${host}`] })
  await must(server, 'cat > /etc/docker/daemon.json && kill -HUP "$(cat /var/run/docker.pid)"', { input: settings })
}

/** Somebody who may use Docker, and whom the laptop's key lets in. */
export async function addUser(server: Server, name: string): Promise<void> {
  await must(
    server,
    `useradd -m -s /bin/sh -p '*' -G docker ${name}
    install -d -o ${name} -m 700 ~${name}/.ssh
    install -o ${name} -m 600 /root/.ssh/authorized_keys ~${name}/.ssh/`,
  )
}

/** Another home, in which there is no key, and a `jiji` only once the one of this version is installed. */
export async function becomeRunner(server: Server, workspace: string): Promise<Machine> {
  const home = '/home/runner'
  const script = `#!/bin/sh
# There is no network to fetch packages from.
[ -f "$PWD/source-of-jiji" ] || { echo "npm $*: not expected in $PWD" >&2; exit 1; }
case "$*" in
  'install --no-save '*) exit 0 ;;
  'pack --silent') echo packed.tgz ;;
  'install --global '*' ./packed.tgz') exec ln -s /root/bin/jiji ${home}/bin/jiji ;;
  *) echo "npm $*: not expected" >&2; exit 1 ;;
esac
`
  await must(server, `mkdir -p ${home}/bin && cat > ${home}/bin/npm && chmod 755 ${home}/bin/npm`, { input: script })
  return { server, workspace, home, path: `${home}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` }
}

/** A repository that a runner gets jiji from. @returns it, and the commit: what the workflow is told */
export async function sourceOfJiji(server: Server): Promise<string> {
  const folder = '/root/source'
  const commit = 'git -c user.name=a -c user.email=a@example.com commit -q -m Jiji'
  await must(
    server,
    `mkdir ${folder} && cd ${folder} && git init -q && touch source-of-jiji && git add . && ${commit}
    git -c user.name=a -c user.email=a@example.com rm -q source-of-jiji && ${commit}`,
  )
  return `${folder}#${await must(server, `git -C ${folder} rev-parse HEAD~1`)}`
}

/** What the team of the other registry does. */
export async function pushPrices(server: Server, image: string): Promise<void> {
  const dockerfile =
    'FROM busybox:1\\nRUN mkdir /www && echo apples 3 > /www/index.html\\nCMD ["httpd", "-f", "-p", "8000", "-h", "/www"]\\n'
  await must(server, `printf '${dockerfile}' | docker build -q -t ${image} -`)
  const login = `docker --config /root/platform login -u platform --password-stdin ${image.split('/')[0]}`
  await must(server, login, { input: teamToken })
  await must(server, `docker --config /root/platform push -q ${image} && docker rmi ${image}`)
}
