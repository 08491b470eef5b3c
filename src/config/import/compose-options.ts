import type { Path } from '../document.ts'
import { isMap } from '../draft.ts'
import { pairsIn, type Rules, type Translation, textsIn } from './translation.ts'

/** Keys that are options of the engine, by the option's name. */
const single: Readonly<Record<string, string>> = {
  cgroup: 'cgroupns',
  cgroup_parent: 'cgroup-parent',
  cpu_count: 'cpu-count',
  cpu_percent: 'cpu-percent',
  cpu_period: 'cpu-period',
  cpu_quota: 'cpu-quota',
  cpu_rt_period: 'cpu-rt-period',
  cpu_rt_runtime: 'cpu-rt-runtime',
  cpu_shares: 'cpu-shares',
  cpuset: 'cpuset-cpus',
  domainname: 'domainname',
  gpus: 'gpus',
  hostname: 'hostname',
  init: 'init',
  ipc: 'ipc',
  isolation: 'isolation',
  mac_address: 'mac-address',
  mem_reservation: 'memory-reservation',
  mem_swappiness: 'memory-swappiness',
  memswap_limit: 'memory-swap',
  oom_kill_disable: 'oom-kill-disable',
  oom_score_adj: 'oom-score-adj',
  pid: 'pid',
  pids_limit: 'pids-limit',
  read_only: 'read-only',
  runtime: 'runtime',
  stop_signal: 'stop-signal',
  userns_mode: 'userns',
  uts: 'uts',
  working_dir: 'workdir',
}

const listed: Readonly<Record<string, string>> = {
  device_cgroup_rules: 'device-cgroup-rule',
  dns: 'dns',
  dns_opt: 'dns-option',
  dns_search: 'dns-search',
  group_add: 'group-add',
  security_opt: 'security-opt',
}

const paired: Readonly<Record<string, string>> = {
  annotations: 'annotation',
  storage_opt: 'storage-opt',
  sysctls: 'sysctl',
}

export function optionKeys(translation: Translation, to: Path): Rules {
  const place = (option: string) => [...to, 'options', option]
  const rules = (table: typeof single, rule: (option: string) => Rules[string]): Rules =>
    Object.fromEntries(Object.entries(table).map(([key, option]) => [key, rule(option)] as const)) as Rules
  return {
    ...rules(single, option => (value: unknown, from: Path) => {
      if (isMap(value) || Array.isArray(value)) translation.leave(from, `write it as options: {${option}: …}`)
      else translation.put(place(option), value, from)
    }),
    ...rules(listed, option => (value: unknown, from: Path) => {
      for (const { text, from: at } of textsIn(translation, value, from)) translation.append(place(option), text, at)
    }),
    ...rules(paired, option => (value: unknown, from: Path) => {
      for (const { name, text, from: at } of pairsIn(translation, value, from))
        translation.append(place(option), text === undefined ? name : `${name}=${text}`, at)
    }),
  }
}
