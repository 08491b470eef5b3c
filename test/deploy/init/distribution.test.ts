import { describe, expect, test } from 'vitest'
import { packagesFor, type System } from '../../../src/deploy/init/distribution.ts'

const managers: Record<string, string> = { apt: 'apt-get' }
/** `ID VERSION [like …]`, with the package manager that it has. */
const system = (words: string, manager = 'apt'): System => {
  const [id = '', version = '', ...like] = words.split(' ')
  return { id, version, like, name: words, managers: new Set([managers[manager] ?? manager]) }
}
const rooted = { isRootless: false }

describe('packages of', () => {
  test.each([
    [system('debian 12'), 'docker', 'apt docker.io iptables ca-certificates'],
    [system('debian 12'), 'podman', 'apt podman netavark aardvark-dns iptables ca-certificates'],
    [system('ubuntu 24.04 debian'), 'podman', 'apt podman netavark aardvark-dns iptables ca-certificates'],
    [system('ubuntu 22.04 debian'), 'docker', 'apt docker.io iptables ca-certificates'],
    [system('linuxmint 22 ubuntu debian'), 'docker', 'apt docker.io iptables ca-certificates'],
    [system('debian '), 'podman', 'apt podman netavark aardvark-dns iptables ca-certificates'],
    [system('fedora 43', 'dnf'), 'docker', 'dnf moby-engine docker-cli iptables'],
    [system('rocky 9.6 rhel centos fedora', 'dnf'), 'podman', 'dnf podman netavark aardvark-dns iptables'],
    [system('amzn 2023 fedora', 'dnf'), 'docker', 'dnf docker'],
    [system('alpine 3.22', 'apk'), 'podman', 'apk podman netavark aardvark-dns iptables'],
    [system('opensuse-leap 15.6 suse opensuse', 'zypper'), 'docker', 'zypper docker iptables'],
    [system('opensuse-tumbleweed 2026', 'zypper'), 'docker', 'zypper docker iptables'],
    [system('arch ', 'pacman'), 'podman', 'pacman podman netavark aardvark-dns'],
  ] as const)('%j for %s', (one, engine, expected) => {
    const found = packagesFor(one, engine, rooted)
    expect('why' in found ? found.why : [found.manager, ...found.names].join(' ')).toBe(expected)
  })

  test('a Podman without root are more', () => {
    expect(packagesFor(system('debian 12'), 'podman', { isRootless: true })).toMatchObject({
      names: expect.arrayContaining(['podman', 'uidmap', 'slirp4netns']),
      whereKnown: ['passt'],
    })
    expect(packagesFor(system('debian 12'), 'docker', { isRootless: true })).toEqual(
      packagesFor(system('debian 12'), 'docker', rooted),
    )
  })
})

describe('none, and why', () => {
  test.each([
    [system('debian 11'), 'podman', 'the podman of debian 11 is too old: jiji works with that of debian 12 and later'],
    [system('ubuntu 22.04 debian'), 'podman', /too old: .* ubuntu 22.10 and later/],
    [system('rhel 9.6 fedora', 'dnf'), 'docker', "Red Hat's distributions have no Docker, only Podman"],
    [system('amzn 2023 fedora', 'dnf'), 'podman', 'Amazon Linux has no Podman'],
    [system('fedora 43', 'rpm-ostree'), 'podman', 'fedora 43 has no dnf to install podman with'],
    [system('gentoo ', 'emerge'), 'docker', /^jiji does not know the packages of gentoo/],
  ] as const)('%j for %s', (one, engine, why) => {
    const found = packagesFor(one, engine, rooted)
    if (!('why' in found)) throw new Error('there are packages')
    expect(found.why).toMatch(why)
    expect(found.hint).toMatch(/by hand|a newer release/)
  })
})
