import { expect, test } from 'vitest'
import { select } from '../../src/config/select.ts'
import { planExchange } from '../../src/deploy/plan/exchange.ts'
import { planRestart } from '../../src/deploy/plan/restart.ts'
import { engineFailure } from '../../src/runner/engine-failure.ts'
import { recorder } from '../../src/runner/recorder.ts'
import { exits } from '../../src/shell/engine.ts'
import { configOf } from '../config/deploy-yml.ts'
import { observed, planFor } from './world.ts'

const yaml = (keys: string, more = '') => `project: app
servers: {web1: {host: a, engine: podman}}
${more}
services:
  web: {image: web, hosts: [web1], ${keys}}
`
const proxied = 'proxy: {app_port: 3000, hosts: [app.example.com]}'
const onV1 = ['rootless ann', 'unprivileged 1024', 'limits v1']
const onV2 = ['rootless ann', 'unprivileged 80', 'limits v2 memory pids']

/** What is said of it, and what to do. */
function refusal(
  keys: string,
  rootless: readonly string[],
  { more = '', proxy = undefined as string | undefined } = {},
) {
  try {
    planFor(configOf(yaml(keys, more)), [observed({ rootless, proxy })])
    return undefined
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string }
    expect([code, message]).toEqual([
      'engine.denied',
      expect.stringMatching(/^web1: Podman runs without root there, as ann: /),
    ])
    return [message.replace(/^.*as ann: /, ''), hint]
  }
}

test.each<[string, readonly string[], string]>([
  [proxied, onV1, 'the proxy may not listen on 80 and 443, since ports below 1024 are root'],
  ['ports: ["80:80", "8080:80"], stop_first: true', onV1, 'web may not listen on 80, since'],
  ['ports: ["127.0.0.1:53:53/udp"], stop_first: true', onV1, 'web may not listen on 53, since'],
  [
    'memory: 64m, cpus: "0.5"',
    onV1,
    'memory and cpus of web would be left out: resource limits are not supported on cgroups v1',
  ],
  ['options: {pids-limit: "9"}', onV1, 'options.pids-limit of web would be left out'],
  ['cpus: "0.5"', onV2, 'cpus of web cannot be had: the cgroup controller cpu is not delegated to ann'],
  ['options: {cpuset-cpus: "0", cpu-shares: "9"}', onV2, 'the cgroup controller cpuset cpu is not delegated'],
])('%s is refused', (keys, rootless, what) => {
  const [said, hint] = refusal(keys, rootless) ?? []
  expect(said).toContain(what)
  expect(hint).toMatch(
    /^(sudo sysctl net\.ipv4\.ip_unprivileged_port_start=\d+|start that server with cgroups v2|delegate it there)/,
  )
})

test('everything that is wrong is said at once, and what to do', () => {
  const [said = '', hint = ''] = refusal(`${proxied}, memory: 1g`, onV1) ?? []
  expect(said.split('; ')).toHaveLength(2)
  expect(
    hint,
  ).toBe(`sudo sysctl net.ipv4.ip_unprivileged_port_start=80, and the same in /etc/sysctl.d; or proxy.http_port and proxy.https_port name others
start that server with cgroups v2 (systemd.unified_cgroup_hierarchy=1), or take memory out of services.web`)
})

test.each<[string, readonly string[], { more?: string; proxy?: string }]>([
  ['', onV1, {}],
  [proxied, onV2, {}],
  [proxied, onV1, { proxy: 'caddy:2 80 443' }],
  [proxied, onV1, { more: 'proxy: {http_port: 8080, https_port: 8443}' }],
  ['ports: ["80"], stop_first: true', onV1, {}],
  ['memory: 64m, options: {pids-limit: "9"}', onV2, {}],
  ['cpus: "1"', ['rootless ann', 'unprivileged 80'], {}],
  [`${proxied}, memory: 1g`, [], {}],
])('%s is not, where %j', (keys, rootless, more) =>
  expect(refusal(keys || 'replicas: 1', rootless, more)).toBeUndefined(),
)

test('a restart and an upgrade of the proxy are refused as well', () => {
  const config = configOf(yaml('memory: 64m'))
  const observations = [observed({ rootless: onV1, containers: [{ service: 'web' }], proxy: 'caddy:2 8080 8443' })]
  const denied = expect.objectContaining({ code: 'engine.denied' })
  const selected = select(config, {})
  expect(() => planRestart({ config, selected, observations, release: 'r9' })).toThrow(denied)
  expect(() => planExchange('proxy upgrade', config, selected, observations, new Set())).toThrow(denied)
  expect(planExchange('proxy restart', config, selected, observations, new Set()).servers).toHaveLength(1)
})

test('containers that would not stay are refused by name', () => {
  const output = { code: exits.noLinger, stdout: 'linger ann\n', stderr: 'Could not enable linger: Access denied\n' }
  expect(engineFailure(recorder('web1'), 'podman', output)).toMatchObject({
    code: 'engine.denied',
    message: expect.stringMatching(
      /^web1: containers of ann would end with its last session.*: Could not enable linger: Access denied$/,
    ),
    hint: 'let them stay there: sudo loginctl enable-linger ann',
  })
})
