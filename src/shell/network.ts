import type { Engine } from '../config/config.ts'
import { network } from './names.ts'
import { type Script, sh } from './script.ts'

/**
 * Makes the network where it is missing. Docker makes a second one of the same name when two ask for it at once, and then
 * finds neither: so one at a time, and who waits for 5 s has met what somebody else left behind.
 */
export function ensureNetwork(engine: Engine): Script {
  return sh`${engine} network inspect ${network} >/dev/null 2>&1 || {
  waited=0
  until mkdir /tmp/.jiji-network 2>/dev/null || [ "$waited" -ge 25 ]; do waited=$((waited + 1)); sleep 0.2; done
  ${engine} network inspect ${network} >/dev/null 2>&1 || ${engine} network create ${network} >/dev/null
  made=$?
  rmdir /tmp/.jiji-network 2>/dev/null
  [ "$made" = 0 ]
} || exit`
}
