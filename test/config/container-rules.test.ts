import { describe, expect, test } from 'vitest'
import { configOf, linesOf, problemsOf, smallest } from './deploy-yml.ts'

const service = (text: string) => smallest.replace('image: redis:7, hosts: [web1]', `image: a, hosts: [web1], ${text}`)
const messagesOf = (text: string, files: Record<string, string> = {}) =>
  linesOf(problemsOf(service(text), undefined, files)).map(line => line.replace(/^\S+ services\.web\./, ''))

describe('the container of a service', () => {
  test.each([
    'user: "1000:1000", entrypoint: [/init, ""], labels: {a.b/c: "x=y z", empty: ""}',
    'memory: 1.5g, cpus: 0.5, shm_size: 64MB, ulimits: {nofile: 65536, nproc: "-1:-1"}',
    'cap_add: [NET_ADMIN], cap_drop: [all], privileged: true',
    'devices: [/dev/fuse, "/dev/a:/dev/b:rw", nvidia.com/gpu=all]',
    'tmpfs: [/tmp, "/run:size=64m,mode=1777"], extra_hosts: ["db:10.0.0.5", "me:host-gateway", "six:[::1]"]',
    'directories: [data:/data, "a/b:/x:ro", {local: c, remote: /c, mode: 0700, owner: "70:70", options: Z}]',
    'network_mode: host, stop_first: true',
    'log: {driver: journald, options: {tag: "{{.Name}}"}}',
    'options: {gpus: all, init: true, security-opt: [a=b, c], memory: 500m}',
    'healthcheck: {command: "pg_isready -q", interval: 1s, timeout: 2s}',
    'healthcheck: {deploy_timeout: 5m}',
  ])('may have %s', text => expect(messagesOf(text)).toEqual([]))

  test.each<[string, string]>([
    ['entrypoint: []', 'entrypoint wrong-value: expected at least one word'],
    [
      'labels: {jiji.project: x}',
      'labels.jiji.project wrong-value: expected a name without spaces and = that does not begin with jiji., got "jiji.project"',
    ],
    ['memory: lots', 'memory wrong-value: expected a size such as 512m or 2g, got "lots"'],
    ['cpus: 0.0', 'cpus wrong-value: expected a number of processors such as 0.5, got "0.0"'],
    ['cap_add: ["--x"]', 'cap_add.0 wrong-value: expected a capability such as NET_ADMIN, or ALL, got "--x"'],
    ['ulimits: {nofile: many}', 'ulimits.nofile wrong-value: expected a limit, or SOFT:HARD, got "many"'],
    [
      'network_mode: "container:x"',
      'network_mode wrong-value: expected bridge, host or service:NAME, got "container:x"',
    ],
    [
      'options: {--gpus: all}',
      'options.--gpus wrong-value: expected the long name of an option, without --, got "--gpus"',
    ],
    ['options: {gpus: {a: b}}', 'options.gpus wrong-value: expected text, or a list of texts'],
    ...['../up:/x', '/srv:/x', 'a/../b:/x', 'a', 'a:b'].map((one): [string, string] => [
      `directories: [${JSON.stringify(one)}]`,
      'directories.0 wrong-value: expected LOCAL:/TARGET, with :OPTIONS if need be, or a map with local, remote, mode, owner and options',
    ]),
    [
      'directories: [{local: ../a, remote: /b}]',
      'directories.0.local wrong-value: expected a relative path that does not lead out, got "../a"',
    ],
    [
      'directories: [{local: a, remote: /b, owner: app}]',
      'directories.0.owner wrong-value: expected UID or UID:GID, in numbers, as the container has them, got "app"',
    ],
    [
      'directories: [{local: a, remot: /b}]',
      'directories.0.remot unknown-key: unknown key remot (did you mean remote?)',
    ],
  ])('has no %s', (text, message) => expect(messagesOf(text)).toEqual([message]))

  test.each<[string, string]>([
    [
      'network_mode: host',
      'network_mode conflict: on the network of the server two containers would want the same ports (add stop_first: true (a short gap), or remove `network_mode`)',
    ],
    [
      'network_mode: host, stop_first: true, replicas: 2',
      'replicas conflict: on the network of the server two containers would want the same ports (remove it, or remove `network_mode`)',
    ],
    [
      'network_mode: host, stop_first: true, ports: ["80"]',
      'ports conflict: with network_mode: host every port is one of the server (remove it, or remove `network_mode`)',
    ],
    [
      'network_mode: host, stop_first: true, proxy: {app_port: 80, hosts: [a.b]}',
      'proxy conflict: the proxy does not reach the network of the server (remove it, or remove `network_mode`)',
    ],
    [
      'healthcheck: {command: x}, proxy: {app_port: 80, hosts: [a.b]}',
      'healthcheck conflict: a service behind the proxy is asked through it (write it as proxy.healthcheck, or remove it)',
    ],
    [
      'healthcheck: {timeout: 2s}',
      'healthcheck.timeout conflict: timeout is that of a command, and there is none (add `command`; the HEALTHCHECK of an image has its own)',
    ],
    ['options: {name: x}', 'options.name conflict: jiji gives the option name itself (remove it)'],
    [
      'options: {network: x}',
      'options.network conflict: jiji gives the option network itself (write it as `network_mode`)',
    ],
    [
      'options: {env-file: x}',
      'options.env-file conflict: jiji gives the option env-file itself (write it as `environment`)',
    ],
    ['options: {restart: x}', 'options.restart conflict: jiji gives the option restart itself (write it as `restart`)'],
    ['options: {label: [a, b]}', 'options.label conflict: jiji gives the option label itself (write it as `labels`)'],
    [
      'memory: 1g, options: {memory: 2g}',
      'options.memory conflict: the option memory is given twice (a key of the service gives it already)',
    ],
    ['volumes: ["a:/data"], tmpfs: [/data/]', 'tmpfs.0 conflict: something else stands at /data/ already'],
    [
      'log: {driver: k8s-file}',
      'log.driver conflict: web1 runs docker, which has no log driver k8s-file (docker has json-file, local, journald, syslog and others)',
    ],
  ])('%s is refused', (text, message) => expect(messagesOf(text)).toEqual([message]))

  test('has no log driver that Podman has not', () => {
    const podman = service('log: {driver: local}').replace('{host: web1.example.com}', '{host: a, engine: podman}')
    expect(problemsOf(podman)).toMatchObject([{ message: 'web1 runs podman, which has no log driver local' }])
  })
  test('has its directories as they are written, either way', () => {
    const { directories } =
      configOf(service('directories: ["a b:/x:ro", {local: c, remote: /c, owner: "70"}]')).services[0] ?? {}
    expect(directories).toEqual([
      { local: 'a b', remote: '/x', options: 'ro' },
      { local: 'c', remote: '/c', owner: '70' },
    ])
  })
})

describe('a file', () => {
  test('may be of 1 MiB, and not be missing, a folder or larger', () => {
    const files = { 'conf/a': 'x', large: 'x'.repeat(1024 * 1024 + 1), full: 'x'.repeat(1024 * 1024) }
    const [missing, folder, large, ...others] = problemsOf(
      service('files: [conf/a:/a, full:/b, conf/b:/c, conf:/d, large:/e]'),
      undefined,
      files,
    )
    expect(missing).toMatchObject({ path: 'services.web.files.2', code: 'missing-file' })
    expect(folder).toMatchObject({ path: 'services.web.files.3', code: 'missing-file' })
    expect(large).toMatchObject({ path: 'services.web.files.4', message: expect.stringContaining('has 1.0 MiB') })
    expect(others).toEqual([])
  })
})
