import { describe, expect, test } from 'vitest'
import type { Engine } from '../../../src/config/config.ts'
import { select } from '../../../src/config/select.ts'
import { readAnswers } from '../../../src/deploy/doctor/answers.ts'
import { readSituation } from '../../../src/deploy/init/situation.ts'
import { planInit } from '../../../src/deploy/plan/init.ts'
import { renderInit, renderReady } from '../../../src/ui/init.ts'
import { configOf } from '../../config/deploy-yml.ts'

const configFor = (engine: Engine, proxied = 'proxy: {app_port: 3000, hosts: [app.example.com]}, ') =>
  configOf(`project: app
servers: {web1: {host: a, engine: ${engine}}}
services: {web: {image: web, ${proxied}hosts: [web1]}}
`)
const debian = ['os-id debian', 'os-version "12"', 'os-name "Debian GNU/Linux 12 (bookworm)"', 'manager apt-get']
const root = ['user 0 root', 'groups root']
const ann = ['user 1000 ann', 'groups ann', 'sudo free']
const listening = ['listen LISTEN 0 4096 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))']
const answering = ['said {"version":"27.1","arch":"amd64"}', 'engine 0']
const proxy = 'proxy running caddy:2 80 443'

function planOf(engine: Engine, said: string[], { mayJoin = false, config = configFor(engine) } = {}) {
  const answers = readAnswers([...listening, ...said].join('\n'))
  return planInit(config, select(config, {}), [readSituation('web1', engine, { answers, said })], { mayJoin })
}
const steps = (...given: Parameters<typeof planOf>) => planOf(...given).servers[0]?.steps.map(one => one.do)

describe('a server gets', () => {
  test.each<[string, Engine, string[], string[]]>([
    [
      'all where nothing is',
      'docker',
      [...root, ...debian, 'init systemd', 'engine 90'],
      ['install', 'start', 'network', 'proxy'],
    ],
    [
      'no daemon for Podman',
      'podman',
      [...root, ...debian, 'init systemd', 'engine 90'],
      ['install', 'network', 'proxy'],
    ],
    [
      'a daemon that is there and stopped',
      'docker',
      [...root, 'init openrc', 'engine 92'],
      ['start', 'network', 'proxy'],
    ],
    [
      'a daemon where only the client is',
      'docker',
      [...root, ...debian, 'init systemd', 'lacks dockerd', 'engine 92'],
      ['install', 'start', 'network', 'proxy'],
    ],
    ['what an engine that answers lacks', 'docker', [...root, ...answering, 'network yes'], ['proxy']],
    [
      'a proxy in the place of one that is stopped',
      'docker',
      [...root, ...answering, 'network yes', 'proxy exited caddy:2 80 443'],
      ['proxy'],
    ],
    ['nothing where all is', 'docker', [...root, ...answering, 'network yes', proxy], []],
    [
      'what the networks of Podman lack',
      'podman',
      [...root, ...debian, 'lacks aardvark-dns', ...answering, 'network yes', proxy],
      ['install'],
    ],
    [
      'all as root by sudo',
      'docker',
      [...ann, ...debian, 'init systemd', 'engine 90'],
      ['install', 'start', 'network', 'proxy'],
    ],
    ['what is seen as root', 'docker', [...ann, 'engine 91', 'as-root docker', 'network yes', proxy], []],
    [
      'a daemon that only root could start',
      'docker',
      [...ann, 'init systemd', 'engine 91'],
      ['start', 'network', 'proxy'],
    ],
    [
      'lasting sessions',
      'podman',
      [...ann, ...answering, 'linger no', 'unprivileged 80', 'network yes'],
      ['linger', 'proxy'],
    ],
    ['no daemon that nobody starts', 'docker', [...root, ...debian, 'engine 90'], ['install']],
  ])('%s', (_, engine, said, expected) => expect(steps(engine, said)).toEqual(expected))

  test('only those packages of Podman that are missing', () => {
    expect(planOf('podman', [...root, ...debian, 'lacks netavark', ...answering]).servers[0]?.steps[0]).toMatchObject({
      names: ['netavark'],
    })
  })
  test('a proxy only where a service needs one', () => {
    const config = configFor('docker', '')
    expect(steps('docker', [...root, ...answering], { config })).toEqual(['network'])
  })
})

describe("Docker's group", () => {
  const said = [...ann, ...debian, 'init systemd', 'engine 90']
  test('is joined where that is asked for', () => {
    expect(steps('docker', said, { mayJoin: true })).toEqual(['install', 'start', 'join', 'network', 'proxy'])
    expect(planOf('docker', said, { mayJoin: true }).servers[0]?.notes).toEqual([])
  })
  test('is named where it is not', () => {
    expect(planOf('docker', said).servers[0]?.notes).toEqual([
      expect.stringMatching(/^ann may not use docker.*--docker-group.*as good as root/),
    ])
  })
  test.each([
    ['root', [...root, 'engine 92', 'init systemd']],
    ['a member', ['user 1000 ann', 'groups ann docker', 'sudo free', 'engine 92', 'init systemd']],
    ['who may use it otherwise', [...ann, ...answering]],
  ])('is nothing for %s', (_, said) => {
    expect(steps('docker', said, { mayJoin: true })).not.toContain('join')
    expect(planOf('docker', said).servers[0]?.notes).toEqual([])
  })
})

describe('a server is refused', () => {
  test.each<[string, Engine, string[], RegExp]>([
    [
      'whose user may not install',
      'docker',
      ['user 1000 bob', 'sudo asks', ...debian, 'init systemd', 'engine 90'],
      /^engine.missing web1: docker is to be installed, and bob may not: sudo wants a password .*apt-get install docker.io iptables ca-certificates, as root/,
    ],
    [
      'whose user may not start',
      'docker',
      ['user 1000 bob', 'init systemd', 'engine 92'],
      /^engine.failed web1: docker is to be started, and bob may not: there is no sudo/,
    ],
    [
      'whose user is let nowhere',
      'docker',
      ['user 1000 bob', 'sudo asks', 'engine 91'],
      /^engine.denied web1: this user may not use docker .*usermod -aG docker/,
    ],
    [
      'of a distribution that we do not know',
      'docker',
      [...root, 'os-name "Plan 9"', 'engine 90'],
      /^engine.missing web1: docker is not installed: jiji does not know the packages of Plan 9 install docker there by hand/,
    ],
    [
      'whose engine is too old',
      'podman',
      [...root, 'said {"version":"3.4.4"}', 'engine 0'],
      /^engine.failed web1: podman 3.4.4 is too old/,
    ],
    ['whose engine hangs', 'docker', root, /^engine.failed web1: docker gives no answer/],
    [
      'whose Podman fails',
      'podman',
      [...root, 'said cannot clone', 'engine 92'],
      /^engine.failed web1: podman does not answer: cannot clone/,
    ],
    [
      'whose ports are taken',
      'docker',
      [...root, ...debian, 'listen LISTEN 0 511 *:80 *:* users:(("nginx",pid=7,fd=6))', 'engine 90'],
      /^port.taken web1: port 80 is taken by nginx/,
    ],
    [
      'whose Podman may not have the ports',
      'podman',
      [...ann, ...answering, 'unprivileged 1024'],
      /^port.taken web1: a rootless Podman may not listen on 80 and 443 sudo sysctl/,
    ],
  ])('%s', (_, engine, said, expected) => {
    const { servers, refused } = planOf(engine, said)
    expect(servers).toEqual([])
    expect(refused.map(({ code, message, hint }) => `${code} ${message} ${hint}`)).toEqual([
      expect.stringMatching(expected),
    ])
  })
})

test('a proxy with other settings is left, which is said', () => {
  expect(
    planOf('docker', [...root, ...answering, 'network yes', 'proxy running caddy:1 80 443']).servers[0],
  ).toMatchObject({
    steps: [],
    notes: [expect.stringMatching(/^the proxy: it runs with other settings: .*jiji proxy upgrade -H web1/)],
  })
})

test('a plan is shown with what is there and what is left to do', () => {
  const plan = planOf('docker', [...ann, ...debian, 'init systemd', 'engine 90'])
  expect(renderInit(plan)).toBe(`set up servers for app
  web1 (docker, Debian GNU/Linux 12 (bookworm), as ann)
    install docker.io, iptables, ca-certificates, and docker-cli, apparmor where there is such a package (apt-get)
    start docker, now and at boot (systemd)
    make the network jiji
    start the proxy caddy:2 on 80 and 443
    ann may not use docker, and so cannot deploy: --docker-group puts this user into the group docker, which is as good as root; or log in as root (servers.web1.user)`)
  expect(plan.servers.map(renderReady)).toEqual([
    'web1 is ready: installed docker.io iptables ca-certificates, started docker, made the network, started the proxy',
  ])
  expect(planOf('docker', [...root, ...answering, 'network yes', proxy]).servers.map(renderReady)).toEqual([
    'web1 is ready already: docker 27.1, the network jiji, the proxy',
  ])
})
