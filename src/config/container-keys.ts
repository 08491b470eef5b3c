import * as z from 'zod'
import { boolean, duration, keys, list, mapOf, matching, text, value, words } from './fields.ts'
import { mount } from './mount.ts'

/** What a service may ask of its container. */

const capability = matching(/^[A-Za-z][A-Za-z_]*$/, 'a capability such as NET_ADMIN, or ALL')
const size = matching(/^\d+(\.\d+)?([kmgKMG][bB]?|[bB])?$/, 'a size such as 512m or 2g')

const log = keys({
  driver: matching(/^[A-Za-z0-9]\S*$/, 'the name of a log driver')
    .optional()
    .describe("The engine's log driver"),
  options: mapOf(matching(/^[^\s=]+$/, 'a name without spaces and ='), value())
    .default({})
    .describe('Options of the log driver, such as max-size'),
})

const healthcheck = keys({
  command: words()
    .optional()
    .describe(
      "Command to run in the container, which is healthy when it exits with 0; replaces the image's HEALTHCHECK",
    ),
  interval: duration().optional().describe('Time between two runs of the command; 1s by default'),
  timeout: duration().optional().describe('Time one run of the command may take; 5s by default'),
  deploy_timeout: duration().prefault('60s').describe('Time within which the service must become healthy'),
})

export const containerKeys = {
  user: text().optional().describe("USER or USER:GROUP to run as, instead of the image's user"),
  entrypoint: list(value())
    .min(1, 'expected at least one word')
    .optional()
    .describe("Replaces the image's entrypoint; the image's command is then ignored"),
  labels: mapOf(matching(/^(?!jiji\.)[^\s=]+$/, 'a name without spaces and = that does not begin with jiji.'), value())
    .default({})
    .describe('Labels of the container'),
  files: list(mount({ local: 'A file of this project', mode: 'File mode; 644 by default' }))
    .default([])
    .describe('Files uploaded with each release, at most 1 MiB each'),
  directories: list(
    mount({
      local: 'Its name on the server, below a folder of this service',
      mode: 'Mode; by default 755 for new ones',
    }),
  )
    .default([])
    .describe('Directories on the server, kept across releases'),
  tmpfs: list(matching(/^\/[^:]*(:[^:]+)?$/, '/PATH, with :OPTIONS if need be'))
    .default([])
    .describe('Directories in memory'),
  memory: size.optional().describe('Memory limit of a container'),
  cpus: matching(/^(?=.*[1-9])\d+(\.\d+)?$/, 'a number of processors such as 0.5')
    .optional()
    .describe('Limit of processors for a container'),
  shm_size: size.optional().describe('Size of /dev/shm'),
  ulimits: mapOf(
    matching(/^[a-z]+$/, 'the name of a limit such as nofile'),
    matching(/^-?\d+(:-?\d+)?$/, 'a limit, or SOFT:HARD'),
  )
    .default({})
    .describe('Limits for its processes'),
  cap_add: list(capability).default([]).describe('Capabilities to add'),
  cap_drop: list(capability).default([]).describe('Capabilities to drop'),
  devices: list(
    matching(
      /^(\/[^:]*(:\/[^:]*)?(:[rwm]{1,3})?|[^\s/:=]+\/[^\s:=]+=[^\s:]+)$/,
      '/dev/NAME, with :/dev/NAME and :rwm if need be, or VENDOR/CLASS=NAME',
    ),
  )
    .default([])
    .describe('Devices of the server that it may use'),
  privileged: boolean().prefault('false').describe('Whether it may do whatever root may on the server'),
  extra_hosts: list(matching(/^[^\s:=]+[:=]\S+$/, 'NAME:ADDRESS'))
    .default([])
    .describe("Entries for its /etc/hosts; host-gateway is the server's address"),
  network_mode: matching(/^(bridge|host|service:.+)$/, 'bridge, host or service:NAME')
    .default('bridge')
    .describe(
      'bridge: the network on which services find each other; host: that of the server itself; service:NAME: that of the container of another service',
    ),
  log: log.prefault({}).describe('How its logs are stored'),
  options: mapOf(
    matching(/^[a-z][a-z0-9]+(-[a-z0-9]+)*$/, 'the long name of an option, without --'),
    z.union([value(), list(value())], { error: 'expected text, or a list of texts' }),
  )
    .default({})
    .describe('Other options of docker run or podman run; a list repeats an option'),
  healthcheck: healthcheck.optional().describe('Health check of a service without a proxy'),
}
