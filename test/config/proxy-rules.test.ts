import { describe, expect, test } from 'vitest'
import { configOf, linesOf, problemsOf } from './deploy-yml.ts'

/** A configuration of services on one server, each given by its `proxy:`. */
function routed(...proxies: string[]): string {
  const services = proxies.map((proxy, index) => `  s${index + 1}: {image: x, hosts: [w], proxy: {${proxy}}}`)
  return `project: x\nservers: {w: {host: a}}\nservices:\n${services.join('\n')}\n`
}

/** Without line and column, and without `services.` */
function found(...proxies: string[]): string[] {
  return linesOf(problemsOf(routed(...proxies))).map(line => line.replace(/^\S+ services\./, ''))
}

const own = 'ssl: {certificate_pem: CERT, private_key_pem: KEY}'

test.each<[string[]]>([
  [['app_port: 1, hosts: [a.b, "*.a.b"]']],
  [['app_port: 1, hosts: [a.b]', 'app_port: 1, hosts: [a.b], path_prefix: /api']],
  [['app_port: 1, hosts: [a.b], path_prefix: /api/v1', 'app_port: 1, hosts: [A.b], path_prefix: /api']],
  [[`app_port: 1, hosts: ["*.b"], ssl_redirect: false, ${own}`]],
  [[`app_port: 1, hosts: [a.b], ${own}`, `app_port: 2, hosts: [a.b], path_prefix: /x, ${own}`]],
  [['targets: [{app_port: 1, hosts: [a.b]}, {app_port: 2, hosts: [a.b], path_prefix: /x}]']],
  [['app_port: 1, hosts: [a.b], redirect_from: [www.a.b, "*.a.b"]']],
])('%s is right', proxies => expect(found(...proxies)).toEqual([]))

describe('what is wrong is said at its place', () => {
  test.each<[string[], string[]]>([
    [['targets: []'], ['s1.proxy.targets wrong-value: expected at least one target']],
    [
      ['targets: [{hosts: [a]}]'],
      ['s1.proxy.targets.0.app_port missing-key: app_port is missing: expected a whole number from 1 to 65535'],
    ],
    [
      ['app_port: 1, hosts: [a], ssl: true, healthcheck: {path: /x}, targets: [{app_port: 1, hosts: [a]}]'],
      ['app_port', 'hosts', 'ssl', 'healthcheck'].map(
        key =>
          `s1.proxy.${key} conflict: with \`targets\`, ${key} is that of a target (write it in each target that is to have it)`,
      ),
    ],
    [
      ['app_port: 1, hosts: [a], strip_path_prefix: false'],
      ['s1.proxy.strip_path_prefix conflict: there is no prefix to be left on (add `path_prefix`)'],
    ],
    [
      ['app_port: 1, hosts: [a], ssl_redirect: false'],
      ['s1.proxy.ssl_redirect conflict: without ssl nothing is sent on to HTTPS (remove it, or add `ssl`)'],
    ],
    [
      ['targets: [{app_port: 1, hosts: ["*.a"], redirect_from: [b]}]'],
      [
        's1.proxy.targets.0.redirect_from conflict: a wildcard is no place to send on to (write another of `hosts` first)',
      ],
    ],
    [
      ['app_port: 1, hosts: [a, "*.a"], ssl: true'],
      [
        's1.proxy.hosts.1 conflict: a certificate for a wildcard is not given over HTTP, which is how the proxy asks for one (name a certificate of your own: ssl: {certificate_pem: NAME, private_key_pem: NAME})',
      ],
    ],
    ...['api', '/', '/api/', '/a b', '/a*', '/{x}', '//a'].map((prefix): [string[], string[]] => [
      [`app_port: 1, hosts: [a], path_prefix: "${prefix}"`],
      [
        `s1.proxy.path_prefix wrong-value: expected a path such as /api, without / at its end, got ${JSON.stringify(prefix)}`,
      ],
    ]),
    ...['10.0.0', '10.0.0.0/33', 'any', '1.2.3.4/x', '{env.HOME}'].map((address): [string[], string[]] => [
      [`app_port: 1, hosts: [a], forward_headers: ["${address}"]`],
      ['s1.proxy.forward_headers.0 wrong-value: expected an address such as 10.0.0.5, or several such as 10.0.0.0/8'],
    ]),
    [
      ['app_port: 1, hosts: [a], max_request_body: many'],
      ['s1.proxy.max_request_body wrong-value: expected a size such as 512k or 10m, got "many"'],
    ],
    [
      ['app_port: 1, hosts: [a], ssl: yes'],
      ['s1.proxy.ssl wrong-value: expected true, false, or certificate_pem and private_key_pem'],
    ],
    [
      ['app_port: 1, hosts: [a], ssl: {certificate_pem: CERT}'],
      ['s1.proxy.ssl.private_key_pem missing-key: private_key_pem is missing: expected text'],
    ],
    [
      ['app_port: 1, hosts: [a], ssl: {certificate_pem: CERT, private_key_pen: KEY}'],
      ['s1.proxy.ssl.private_key_pen unknown-key: unknown key private_key_pen (did you mean private_key_pem?)'],
    ],
    [
      ['app_port: 1, hosts: [a], ssl: {certificate_pem: ./cert.pem, private_key_pem: KEY}'],
      ['s1.proxy.ssl.certificate_pem literal-secret: expected an ALL_CAPS secret name, and not the secret itself'],
    ],
  ])('%#', (proxies, lines) => expect(found(...proxies)).toEqual(lines))
})

describe('a host name and a prefix lead to one service', () => {
  test.each<[string[], string]>([
    [
      ['app_port: 1, hosts: [a.b]', 'app_port: 1, hosts: [x, A.b]'],
      's2.proxy.hosts.1 conflict: a.b already leads to the service s1 (remove it in one of the two, or give one a `path_prefix`)',
    ],
    [
      ['app_port: 1, hosts: [a.b], path_prefix: /api', 'app_port: 1, hosts: [a.b], path_prefix: /API'],
      's2.proxy.hosts.0 conflict: a.b/API already leads to the service s1 (remove it in one of the two, or give one a `path_prefix`)',
    ],
    [
      ['targets: [{app_port: 1, hosts: [a.b]}, {app_port: 2, hosts: [a.b]}]'],
      's1.proxy.targets.1.hosts.0 conflict: a.b already leads to the service s1 (remove it in one of the two, or give one a `path_prefix`)',
    ],
    [
      ['app_port: 1, hosts: [a.b]', 'app_port: 1, hosts: [b], redirect_from: [a.b]'],
      's2.proxy.redirect_from.0 conflict: a.b already leads to the service s1 (remove it in one of the two, or give one a `path_prefix`)',
    ],
    [
      ['app_port: 1, hosts: [a.b], path_prefix: /x, redirect_from: [c]', 'app_port: 1, hosts: [c], path_prefix: /y'],
      's2.proxy.hosts.0 conflict: c already leads to the service s1 (remove it in one of the two, or give one a `path_prefix`)',
    ],
    [
      ['app_port: 1, hosts: [a.b], ssl: true', 'app_port: 1, hosts: [a.b], path_prefix: /api'],
      's2.proxy.ssl conflict: what leads to a.b must have the same ssl everywhere, and s1 has another (see services.s1.proxy)',
    ],
    [
      [
        'app_port: 1, hosts: [a.b], ssl: true',
        'app_port: 1, hosts: [a.b], path_prefix: /x, ssl: true, ssl_redirect: false',
      ],
      's2.proxy.ssl conflict: what leads to a.b must have the same ssl everywhere, and s1 has another (see services.s1.proxy)',
    ],
  ])('%#', (proxies, line) => expect(found(...proxies)).toEqual([line]))
})

test('without `targets`, a service has one', () => {
  const { targets } = configOf(routed('app_port: 1, hosts: [a], max_request_body: 2k')).services[0]?.proxy ?? {}
  expect(targets).toMatchObject([{ app_port: 1, hosts: ['a'], max_request_body: 2048, strip_path_prefix: true }])
  expect(targets?.[0]).not.toHaveProperty('targets')
})
