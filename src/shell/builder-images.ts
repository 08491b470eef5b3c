import type { Engine } from '../config/config.ts'
import { labels } from './names.ts'
import { type Script, sh } from './script.ts'

export type BuiltImages = {
  repository: string
  /** Those of now, which stay however old they are: what has not changed is an image of before. */
  keep: readonly string[]
  /** How many others stay, the newest. */
  others: number
}

/**
 * Takes images of earlier builds away where they were built, and what lost its name to them: only ours, of this project, and
 * none that a container has. Lines `gone IMAGE`. What the builder keeps for its cache is none of them.
 */
export function tidyBuilt(engine: Engine, scope: string, { repository, keep, others }: BuiltImages): Script {
  const kept = keep.map(name => sh`${name}) continue ;;`)
  return sh`left=${others}
${engine} images --filter ${`label=${labels.project}=${scope}`} --format '{{.ID}} {{.Repository}}:{{.Tag}}' | while read -r id name; do
  case $name in
    ${kept.reduce((all, one) => sh`${all} ${one}`, sh``)}
    '<none>:<none>' | ${repository}:'<none>') name=$id ;;
    ${repository}:*) left=$((left - 1)); [ "$left" -lt 0 ] || continue ;;
    *) continue ;;
  esac
  users=$(${engine} ps -aq --filter ancestor="$id") || break
  [ -z "$users" ] && ${engine} rmi "$name" >/dev/null 2>&1 && echo "gone $name"
done
:`
}
