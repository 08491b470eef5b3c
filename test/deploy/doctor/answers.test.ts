import { describe, expect, test } from 'vitest'
import { readAnswers } from '../../../src/deploy/doctor/answers.ts'
import { holderOf, readListeners } from '../../../src/deploy/doctor/listeners.ts'

describe('what a server says of itself', () => {
  test('is read line by line', () => {
    const answers = readAnswers(`clock 1790000000
user 1000 dora
groups dora docker
sudo free
memory tmpfs /dev/shm
memory asked
address 1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever
address 2: eth0    inet6 fd00::2/64 scope global
address inet6 ::1/128
resolved localhost 127.0.0.1 ::1
resolved app.example.com
listen State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
listen LISTEN 0      4096       0.0.0.0:80      0.0.0.0:*    users:(("nginx",pid=12,fd=6),("nginx",pid=13,fd=6))
disk state /dev/my disk      1000000 900000 100000  90% /var/my lib
inodes state /dev/my disk       2000   1990     10 100% /var/my lib
disk engine tmpfs 65536 0 65536 0% /var/lib/docker
inodes engine tmpfs 0 0 0 - /var/lib/docker
said time="now" level=warning msg="{odd}"
said {"version":"4.3.1","arch":"linux/arm64"}
engine 0
proxy running caddy:2 80 443
caddy v2.8.4 h1:xyz
published web-1 0.0.0.0:8080->80/tcp, :::8080->80/tcp
unprivileged 1024
linger no
lacks network
`)
    expect(answers).toEqual({
      clock: 1_790_000_000,
      user: { id: 1000, name: 'dora' },
      groups: ['dora', 'docker'],
      sudo: 'free',
      memory: { type: 'tmpfs', folder: '/dev/shm' },
      addresses: ['127.0.0.1', 'fd00::2', '::1'],
      resolved: new Map([
        ['localhost', ['127.0.0.1', '::1']],
        ['app.example.com', []],
      ]),
      listeners: [{ address: '0.0.0.0', port: 80, by: 'nginx (process 12)' }],
      published: [{ name: 'web-1', ports: '0.0.0.0:8080->80/tcp, :::8080->80/tcp' }],
      disks: new Map([
        [
          'state',
          {
            device: '/dev/my disk',
            total: 1_000_000,
            free: 100_000,
            mount: '/var/my lib',
            inodes: { total: 2000, free: 10 },
          },
        ],
        ['engine', { device: 'tmpfs', total: 65_536, free: 65_536, mount: '/var/lib/docker' }],
      ]),
      engine: { status: 0, said: 'time="now" level=warning msg="{odd}"', version: '4.3.1', arch: 'arm64' },
      proxy: { state: 'running', label: 'caddy:2 80 443', version: 'v2.8.4' },
      unprivileged: 1024,
      lingers: false,
      lacks: new Set(['network']),
      tools: new Set(),
      client: undefined,
    })
  })
  test('may be nothing at all', () =>
    expect(readAnswers('')).toMatchObject({
      clock: undefined,
      user: undefined,
      memory: null,
      addresses: [],
      resolved: undefined,
      listeners: undefined,
      engine: undefined,
      proxy: undefined,
      lingers: true,
    }))
})

describe('who listens', () => {
  test.each([
    ['LISTEN 0 128 [::]:22 [::]:*', [{ address: '::', port: 22 }]],
    ['LISTEN 0 128 *:9000 *:* users:(("caddy",pid=7,fd=3))', [{ address: '*', port: 9000, by: 'caddy (process 7)' }]],
    ['LISTEN 0 4096 127.0.0.53%lo:53 0.0.0.0:*', [{ address: '127.0.0.53', port: 53 }]],
    ['State Recv-Q Send-Q Local Address:Port Peer Address:Port', []],
  ])('ss: %s', (line, listeners) => expect(readListeners([line], [])).toEqual(listeners))

  test.each([
    ['   0: 0100007F:0050 00000000:0000 0A 00000000:00000000', [{ address: '127.0.0.1', port: 80 }]],
    ['   1: 00000000000000000000000001000000:2436 0:0 0A 0', [{ address: '::1', port: 9270 }]],
    ['   2: 00000000000000000000000000000000:01BB 0:0 0A 0', [{ address: '::', port: 443 }]],
    ['   3: 0100007F:0050 0200007F:8000 01 00000000:00000000', []],
  ])('/proc/net/tcp: %s', (line, listeners) => expect(readListeners([], [line])).toEqual(listeners))

  test('is not known without either', () => expect(readListeners([], [])).toBeUndefined())

  test.each([
    [80, 'nginx (process 12)'],
    [81, "a process that this user may not see (sudo ss -ltnp 'sport = :81')"],
    [8085, 'the container web'],
    [82, undefined],
  ])('port %i: %s', (port, holder) => {
    const listeners = [
      { address: '::', port: 80 },
      { address: '0.0.0.0', port: 80, by: 'nginx (process 12)' },
      { address: '0.0.0.0', port: 81 },
      { address: '0.0.0.0', port: 8085, by: 'docker-proxy (process 1)' },
    ]
    expect(holderOf(port, listeners, [{ name: 'web', ports: '0.0.0.0:8080-8090->80-90/tcp' }])).toBe(holder)
  })
})
