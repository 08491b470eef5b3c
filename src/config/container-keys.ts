import * as z from 'zod'
import { boolean, duration, keys, list, mapOf, matching, text, value, words } from './fields.ts'
import { mount } from './mount.ts'

/** What a service may ask of its container. */

const capability = matching(/^[A-Za-z][A-Za-z_]*$/, 'a capability such as NET_ADMIN, or ALL')
const size = matching(/^\d+(\.\d+)?([kmgKMG][bB]?|[bB])?$/, 'a size such as 512m or 2g')

const log = keys({
  driver: matching(/^[A-Za-z0-9]\S*$/, 'the name of a log driver')
    .optional()
    .describe('How the engine keeps the logs'),
  options: mapOf(matching(/^[^\s=]+$/, 'a name without spaces and ='), value())
    .default({})
    .describe('Options of the log driver, such as max-size'),
})

const healthcheck = keys({
  command: words()
    .optional()
    .describe("Runs in the container: it is healthy when this ends with 0; instead of the image's own HEALTHCHECK"),
  interval: duration().optional().describe('Time between two runs of the command; 1s without it'),
  timeout: duration().optional().describe('Time that one run of the command may take; 5s without it'),
  deploy_timeout: duration().prefault('60s').describe('Time until the service must be healthy'),
})

export const containerKeys = {
  user: text().optional().describe("USER or USER:GROUP that it runs as, instead of the image's own"),
  entrypoint: list(value())
    .min(1, 'expected at least one word')
    .optional()
    .describe("Words that come before the command, instead of the image's own"),
  labels: mapOf(matching(/^(?!jiji\.)[^\s=]+$/, 'a name without spaces and = that does not begin with jiji.'), value())
    .default({})
    .describe('Labels of the container'),
  files: list(mount({ local: 'A file of this project', mode: 'Its mode, 644 without it' }))
    .default([])
    .describe('Files that are uploaded with each release, of 1 MiB at most'),
  directories: list(
    mount({ local: 'Its name on the server, below a folder of this service', mode: 'Its mode; new ones have 755' }),
  )
    .default([])
    .describe('Directories on the server that stay from release to release'),
  tmpfs: list(matching(/^\/[^:]*(:[^:]+)?$/, '/PATH, with :OPTIONS if need be'))
    .default([])
    .describe('Directories in memory'),
  memory: size.optional().describe('The most memory that a container may use'),
  cpus: matching(/^(?=.*[1-9])\d+(\.\d+)?$/, 'a number of processors such as 0.5')
    .optional()
    .describe('The most processors that a container may use'),
  shm_size: size.optional().describe('Size of /dev/shm'),
  ulimits: mapOf(
    matching(/^[a-z]+$/, 'the name of a limit such as nofile'),
    matching(/^-?\d+(:-?\d+)?$/, 'a limit, or SOFT:HARD'),
  )
    .default({})
    .describe('Limits of its processes'),
  cap_add: list(capability).default([]).describe('Capabilities that it has besides the usual ones'),
  cap_drop: list(capability).default([]).describe('Capabilities that it does not have'),
  devices: list(
    matching(
      /^(\/[^:]*(:\/[^:]*)?(:[rwm]{1,3})?|[^\s/:=]+\/[^\s:=]+=[^\s:]+)$/,
      '/dev/NAME, with :/dev/NAME and :rwm if need be, or VENDOR/CLASS=NAME',
    ),
  )
    .default([])
    .describe("The server's devices that it may use"),
  privileged: boolean().prefault('false').describe('Whether it may do all that the engine may'),
  extra_hosts: list(matching(/^[^\s:=]+[:=]\S+$/, 'NAME:ADDRESS'))
    .default([])
    .describe('Lines for its /etc/hosts; host-gateway is the address of the server'),
  network_mode: matching(/^(bridge|host|service:.+)$/, 'bridge, host or service:NAME')
    .default('bridge')
    .describe(
      'bridge: the network on which services find each other; host: that of the server itself; service:NAME: that of the container of another service',
    ),
  log: log.prefault({}).describe('How its logs are kept'),
  options: mapOf(
    matching(/^[a-z][a-z0-9]+(-[a-z0-9]+)*$/, 'the long name of an option, without --'),
    z.union([value(), list(value())], { error: 'expected text, or a list of texts' }),
  )
    .default({})
    .describe('Other options of docker run or podman run; a list gives one several times'),
  healthcheck: healthcheck.optional().describe('How a service without a proxy is found to be healthy'),
}
