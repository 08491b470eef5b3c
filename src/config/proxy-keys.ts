import { isIP } from 'node:net'
import * as z from 'zod'
import { readCertificate, readPrivateKey } from './certificate.ts'
import { boolean, duration, integer, keys, list, matching, secretName, size, text } from './fields.ts'

/** What a service may ask of the proxy. */

const port = integer(1, 65_535)

const healthcheck = keys({
  path: matching(/^\//, 'a path that begins with /')
    .default('/up')
    .describe('Path that answers 2xx or 3xx when the service is ready'),
  interval: duration().prefault('500ms').describe('Time between two requests'),
  timeout: duration().prefault('5s').describe('Time one response may take'),
  deploy_timeout: duration().prefault('60s').describe('Time within which the service must become healthy'),
})

const hostName = matching(
  /^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/,
  'a host name without scheme, port or path',
)

const addresses = text().refine(isNetwork, {
  error: 'expected an address such as 10.0.0.5, or several such as 10.0.0.0/8',
})

const ownCertificate = keys({
  certificate_pem: secretName(readCertificate).describe(
    'Name of the secret that holds the certificate, followed by its intermediate certificates',
  ),
  private_key_pem: secretName(readPrivateKey).describe('Name of the secret that holds its private key'),
})

const hosts = list(hostName).min(1, 'expected at least one host name')

const routing = {
  path_prefix: matching(/^(\/[A-Za-z0-9._~-]+)+$/, 'a path such as /api, without / at its end')
    .optional()
    .describe('Only requests below this path go to this service; the longest prefix wins'),
  strip_path_prefix: boolean().prefault('true').describe('Whether to remove the prefix from requests to the service'),
  ssl: z
    .union([boolean(), ownCertificate], { error: 'expected true, false, or certificate_pem and private_key_pem' })
    .prefault('false')
    .describe('HTTPS with a certificate from ACME (true), or with your own'),
  ssl_redirect: boolean().prefault('true').describe('With ssl: whether to redirect HTTP to HTTPS'),
  redirect_from: list(hostName).default([]).describe('Host names to redirect to the first of `hosts`'),
  forward_headers: z
    .union([boolean(), list(addresses)], { error: 'expected true, false or a list of addresses' })
    .prefault('false')
    .describe("Whose X-Forwarded-… headers to trust: nobody's, everybody's (true), or those from these addresses"),
  max_request_body: size().optional().describe('Largest request body; no limit by default'),
  response_timeout: duration()
    .optional()
    .describe('Time within which the service must begin its response; no limit by default'),
  healthcheck: healthcheck.prefault({}).describe('HTTP health check of the service'),
}

export const target = keys({
  app_port: port.describe('Port that the service listens on, in its container'),
  hosts: hosts.describe('Host names of this port'),
  ...routing,
})

export const serviceProxy = keys({
  app_port: port.optional().describe('Port that the service listens on, in its container'),
  hosts: hosts.optional().describe('Host names of this service; *.example.com matches direct subdomains'),
  ...routing,
  targets: list(target)
    .min(1, 'expected at least one target')
    .optional()
    .describe('Several ports of one service, each with the keys above instead of them'),
})

function isNetwork(written: string): boolean {
  const [, address = '', bits = '0'] = /^([\da-f.:]+)(?:\/(\d+))?$/i.exec(written) ?? []
  const version = isIP(address)
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128)
}
