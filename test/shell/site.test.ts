import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { portsIn, renderSite } from '../../src/shell/site.ts'
import { configOf } from '../config/deploy-yml.ts'
import { serviceIn } from '../deploy/world.ts'

const where = { scope: 'app', httpsPort: 443, certificates: { CERT: 'abc.pem' } }

/** The site of services, each given by its `proxy:`, with one replica unless it is said. */
function siteWith(proxies: Record<string, string>, over: Partial<typeof where> = {}, replicas = 1) {
  const services = Object.entries(proxies).map(
    ([name, proxy]) => `  ${name}: {image: x, hosts: [web1], proxy: {${proxy}}}`,
  )
  const config = configOf(`project: app\nservers: {web1: {host: a}}\nservices:\n${services.join('\n')}\n`)
  const routes = Object.keys(proxies).map(name => {
    const { proxy = { targets: [] } } = serviceIn(config, name)
    const slot = { ports: proxy.targets.map(({ app_port }) => app_port), replicas }
    return { name, proxy, slots: { a: slot, b: slot } }
  })
  return renderSite({ ...where, ...over }, routes)
}

/** Without its heading, and without how it closes connections, and with `[SERVICE:PORT]` for the slots. */
function bodyOf(...site: Parameters<typeof siteWith>): string {
  const { text } = siteWith(...site)
  const closing = /^\t@leaving \{\n[\s\S]*?\n\t\}\n\theader @leaving Connection close\n/gm
  const slots = /^(\t+)@b file \{\n[\s\S]*?\n\1handle \{\n\1\treverse_proxy app-(\S+)-a:(\d+)[\s\S]*?\n\1\}\n/gm
  return text
    .slice(text.indexOf('\n') + 1)
    .replace(closing, '')
    .replace(slots, '$1[$2:$3]\n')
}

describe('a site file', () => {
  test('says whose it is, and has two slots for each service', () => {
    const site = siteWith({ web: 'app_port: 3000, hosts: [App.example.com]' })
    const { text, brings, ...heading } = site
    expect(heading).toMatchObject({ project: 'app', hosts: ['app.example.com'], services: ['web'] })
    expect(text).toBe(`# ${JSON.stringify(heading)}
http://app.example.com {
	@leaving {
		file {
			root /tmp
			try_files /jiji-leaving
		}
		not header Connection *pgrade*
	}
	header @leaving Connection close
	handle {
		@b file {
			root /jiji/live
			try_files /app/web.b
		}
		handle @b {
			reverse_proxy app-web-b:3000 {
				lb_try_duration 5s
				transport http {
					keepalive 3s
					dial_timeout 1s
				}
			}
		}
		handle {
			reverse_proxy app-web-a:3000 {
				lb_try_duration 5s
				transport http {
					keepalive 3s
					dial_timeout 1s
				}
			}
		}
	}
}
`)
  })
  test('has another hash when anything in it is different', () => {
    const hashes = ['hosts: [a]', 'hosts: [b]', 'hosts: [a], ssl: true', 'hosts: [a], response_timeout: 1s'].map(
      proxy => siteWith({ web: `app_port: 1, ${proxy}` }).hash,
    )
    expect(new Set(hashes).size).toBe(4)
  })
  test.each<[string, string]>([
    ['response_timeout: 1m30s', 'response_header_timeout 90000ms'],
    ['forward_headers: true', 'trusted_proxies 0.0.0.0/0 ::/0'],
    ['forward_headers: [10.0.0.0/8, "::1"]', 'trusted_proxies 10.0.0.0/8 ::1'],
    ['max_request_body: 10m', 'max_size 10485760'],
    ['max_request_body: 1.5k', '> 1536`'],
  ])('with %s says %s', (key, words) => {
    expect(siteWith({ web: `app_port: 1, hosts: [a], ${key}` }).text).toContain(words)
    expect(siteWith({ web: 'app_port: 1, hosts: [a]' }).text).not.toContain(words)
  })
  test('shares requests out among replicas', () => {
    const { text } = siteWith({ web: 'app_port: 1, hosts: [a]' }, {}, 2)
    expect(text).toContain('reverse_proxy app-web-a:1 app-web-a-2:1 {')
    expect(text).toContain('lb_policy least_conn')
  })
})

describe('of services on one host', () => {
  test('the longest prefix comes first, and what has none takes the rest', () => {
    const body = bodyOf({
      web: 'app_port: 1, hosts: [app.example.com]',
      api: 'app_port: 2, hosts: [app.example.com], path_prefix: /api',
      v2: 'app_port: 3, hosts: [app.example.com], path_prefix: /api/v2, strip_path_prefix: false',
    })
    expect(body).toBe(`http://app.example.com {
	@0 path /api/v2 /api/v2/*
	handle @0 {
		[v2:3]
	}
	@1 path /api /api/*
	handle @1 {
		uri strip_prefix /api
		[api:2]
	}
	handle {
		[web:1]
	}
}
`)
  })
  test('other paths are not found where each has a prefix', () => {
    expect(bodyOf({ api: 'app_port: 2, hosts: [a, b], path_prefix: /api' })).toBe(`http://a, http://b {
	@0 path /api /api/*
	handle @0 {
		uri strip_prefix /api
		[api:2]
	}
	handle {
		respond 404
	}
}
`)
  })
  test('several targets lead to their own ports', () => {
    const body = bodyOf({ web: 'targets: [{app_port: 1, hosts: [a]}, {app_port: 2, hosts: ["*.a"]}]' })
    expect(body).toBe(`http://a {\n\thandle {\n\t\t[web:1]\n\t}\n}\nhttp://*.a {\n\thandle {\n\t\t[web:2]\n\t}\n}\n`)
  })
})

describe('with ssl', () => {
  test('what comes over HTTP is sent on', () => {
    expect(bodyOf({ web: 'app_port: 1, hosts: [a], ssl: true' })).toBe(`https://a {
	handle {
		[web:1]
	}
}
http://a {
	redir * https://{host}{uri} 308
}
`)
    expect(siteWith({ web: 'app_port: 1, hosts: [a], ssl: true' }, { httpsPort: 8443 }).text).toContain(
      'redir * https://{host}:8443{uri} 308',
    )
  })
  test('or not', () => {
    const body = bodyOf({ web: 'app_port: 1, hosts: [a], ssl: true, ssl_redirect: false' })
    expect(body).toBe(`https://a {\n\thandle {\n\t\t[web:1]\n\t}\n}\nhttp://a {\n\thandle {\n\t\t[web:1]\n\t}\n}\n`)
  })
  test('of its own, the file of the certificate is named', () => {
    const own = 'app_port: 1, hosts: ["*.a"], ssl: {certificate_pem: CERT, private_key_pem: KEY}'
    expect(bodyOf({ web: own })).toContain(
      'https://*.a {\n\ttls /jiji/certificates/app/abc.pem /jiji/certificates/app/abc.pem\n',
    )
  })
})

describe('redirects', () => {
  test('go to the first of the hosts', () => {
    const proxies = { web: 'app_port: 1, hosts: [a, b], redirect_from: [www.a, Old.a]' }
    expect(siteWith(proxies).hosts).toEqual(['a', 'b', 'www.a', 'old.a'])
    expect(bodyOf(proxies)).toContain(`http://www.a, http://old.a {
	@port header_regexp port Host (:\\d+)$
	redir @port //a{re.port.1}{uri} 308
	redir * //a{uri} 308
}
`)
  })
  test('go there in one step, with ssl', () => {
    const own = 'ssl: {certificate_pem: CERT, private_key_pem: KEY}'
    const text = bodyOf({ web: `app_port: 1, hosts: [a], redirect_from: [www.a], ${own}` })
    expect(text).toContain('https://www.a {\n\ttls /jiji/certificates/app/abc.pem')
    expect(text).toContain('\tredir * https://a{uri} 308\n}\nhttp://www.a {\n\tredir * https://a{uri} 308\n}\n')
  })
})

test('no text can be more than a word of it', () => {
  const slot = { ports: [1], replicas: 1 }
  const { proxy = { targets: [] } } = serviceIn(
    configOf(
      'project: a\nservers: {w: {host: a}}\nservices: {web: {image: x, hosts: [w], proxy: {app_port: 1, hosts: [a]}}}',
    ),
    'web',
  )
  for (const host of ['a {', 'a\n}', '{env.HOME}', 'a, b', '"a"', '`a`', '#a', '', 'a b', '@a']) {
    const targets = proxy.targets.map(target => ({ ...target, hosts: [host] }))
    const route = { name: 'web', proxy: { targets }, slots: { a: slot, b: slot } }
    if (host !== '') expect(() => renderSite(where, [route]), host).toThrow('must not stand in a site file')
  }
})

test('a certificate prints as its name', () => {
  const site = renderSite(where, [], [{ file: 'abc.pem', pem: new Secret('KEY', 'private') }])
  expect(JSON.stringify(site)).toContain('"brings":[{"file":"abc.pem","pem":"[KEY]"}]')
})

describe('the ports of a container that was made for other targets', () => {
  const targets = (...ports: number[]) =>
    configOf(`project: a
servers: {w: {host: a}}
services: {web: {image: x, hosts: [w], proxy: {targets: [${ports.map(port => `{app_port: ${port}, hosts: [h${port}]}`)}]}}}
`).services[0]?.proxy?.targets ?? []

  test.each<[string, number[], number[], (number | undefined)[]]>([
    ['the same', [1, 2], [1, 2], [1, 2]],
    ['in another order', [1, 2], [2, 1], [1, 2]],
    ['another port', [4], [3], [3]],
    ['another port among several', [1, 4], [3, 1], [1, 3]],
    ['one target more', [1, 2], [1], [1, undefined]],
    ['nothing known', [1, 2], [], [1, 2]],
  ])('%s', (_, wanted, there, expected) => expect(portsIn(targets(...wanted), there)).toEqual(expected))
})
