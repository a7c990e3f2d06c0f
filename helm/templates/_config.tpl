{{/*
stint.yaml: `config` of the values, with the ports and paths of the pod, which are the chart's. What is empty is left out,
so that the broker's own default holds.
*/}}
{{- define "stint.config" -}}
{{- $values := .Values -}}
{{- $config := deepCopy $values.config -}}
{{- $host := $values.listenHost -}}

{{- $listen := dict "agents" (printf "%s:8443" $host) "health" (printf "%s:8446" $host) "admin" "127.0.0.1:8445" -}}
{{- if $values.admin.service.enabled }}{{ $_ := set $listen "admin" (printf "%s:8445" $host) }}{{ end -}}
{{- if $values.bearer.enabled }}{{ $_ := set $listen "bearer" (printf "%s:8444" $host) }}{{ end -}}
{{- if $values.metrics.enabled }}{{ $_ := set $listen "metrics" (printf "%s:8448" $host) }}{{ end -}}
{{- $_ := set $config "listen" $listen -}}
{{- $_ := set $config "identity" (include "stint.identity" . | fromYaml) -}}

{{- $_ := set $config "registry" (merge (dict "file" "/etc/stint/registry/agents.yaml") (pick $values.registry "writableByApi" "reviewPeriod" "ownersMustBeOperators")) -}}
{{- if empty $config.reach }}{{ $_ := unset $config "reach" }}{{ end -}}
{{- $_ := set $config.policy "directory" "/etc/stint/policies" -}}
{{- if or $values.labels.rules $values.labels.existingConfigMap -}}
{{- $_ := set $config "labels" (dict "file" "/etc/stint/labels/labels.yaml") -}}
{{- end -}}
{{- if or $values.actionOverrides.rows $values.actionOverrides.existingConfigMap -}}
{{- $_ := set $config "actions" (dict "overridesFile" "/etc/stint/actions/actions.yaml") -}}
{{- end -}}

{{- $roles := list -}}
{{- range $at, $role := $config.roles -}}
{{- $role = include "stint.externalIdFile" (dict "holder" $role "folder" (printf "/etc/stint/external-ids/%d" $at)) | fromYaml -}}
{{- range $own := list "revoker" "canary" -}}
{{- with get $role.revocation $own -}}
{{- $_ := set $role.revocation $own (include "stint.externalIdFile" (dict "holder" . "folder" (printf "/etc/stint/%s-ids/%d" $own $at)) | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- $roles = append $roles $role -}}
{{- end -}}
{{- $_ := set $config "roles" $roles -}}

{{- range list "endpoint" "stsEndpoint" "iamEndpoint" "fips" "dualStack" "strictness" -}}
{{- if not (get $config.aws .) }}{{ $_ := unset $config.aws . }}{{ end -}}
{{- end -}}
{{- if $config.aws.caConfigMap }}{{ $_ := set $config.aws "caFile" "/etc/stint/aws/ca/roots" }}{{ end -}}
{{- $proxy := $config.aws.proxy -}}
{{- if $proxy.credentialsSecret }}{{ $_ := set $proxy "credentialsFile" "/etc/stint/aws/proxy/credentials" }}{{ end -}}
{{- if $proxy.url }}{{ $_ := set $config.aws "proxy" (omit $proxy "credentialsSecret") }}{{ else }}{{ $_ := unset $config.aws "proxy" }}{{ end -}}
{{- $_ := unset $config.aws "caConfigMap" -}}
{{- if $values.awsKeys.broker.existingSecret }}{{ $_ := set $config.aws "credentials" (include "stint.keyFiles" (dict "who" "broker" "keys" $values.awsKeys.broker) | fromYaml) }}{{ end -}}
{{- if $values.awsKeys.revoker.existingSecret }}{{ $_ := set $config.aws "revokerCredentials" (include "stint.keyFiles" (dict "who" "revoker" "keys" $values.awsKeys.revoker) | fromYaml) }}{{ end -}}

{{- $webhooks := list -}}
{{- range $at, $webhook := $config.notices.webhooks -}}
{{- $webhook = omit $webhook "signingSecret" "caConfigMap" | merge (dict "secretFile" (printf "/etc/stint/webhooks/%d/secrets" $at)) -}}
{{- if (index $values.config.notices.webhooks $at).caConfigMap }}{{ $_ := set $webhook "caFile" (printf "/etc/stint/webhook-ca/%d/roots" $at) }}{{ end -}}
{{- $webhooks = append $webhooks $webhook -}}
{{- end -}}
{{- $_ := set $config.notices "webhooks" $webhooks -}}
{{- $channels := list -}}
{{- range $at, $channel := $config.notices.slack -}}
{{- $channel = omit $channel "tokenSecret" "caConfigMap" | merge (dict "tokenFile" (printf "/etc/stint/slack/%d/token" $at)) -}}
{{- if (index $values.config.notices.slack $at).caConfigMap }}{{ $_ := set $channel "caFile" (printf "/etc/stint/slack-ca/%d/roots" $at) }}{{ end -}}
{{- $channels = append $channels $channel -}}
{{- end -}}
{{- $_ := set $config.notices "slack" $channels -}}
{{- if not $config.admin.publicUrl }}{{ $_ := unset $config.admin "publicUrl" }}{{ end -}}

{{- if $values.admin.tls.existingSecret -}}
{{- $_ := set $config.admin "tls" (dict "certificateFile" "/etc/stint/admin/tls.crt" "privateKeyFile" "/etc/stint/admin/tls.key") -}}
{{- end -}}
{{- $_ := set $config "ledger" (include "stint.ledger" . | fromYaml) -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Not empty if the ledger is in a database. */}}
{{- define "stint.usesDatabase" -}}
{{- if .Values.config.ledger.postgres }}true{{ end -}}
{{- end -}}

{{/* A list of the ports at which the database is reached. */}}
{{- define "stint.databasePorts" -}}
{{- $postgres := .Values.config.ledger.postgres -}}
{{- $ports := list (int64 ($postgres.port | default 5432)) -}}
{{- with $postgres.listen }}{{ $ports = append $ports (int64 (.port | default 5432)) }}{{ end -}}
{{- toYaml (uniq $ports) -}}
{{- end -}}

{{- define "stint.ledger" -}}
{{- if include "stint.usesDatabase" . -}}
{{- $given := .Values.config.ledger.postgres -}}
{{- $postgres := omit $given "passwordSecret" "caConfigMap" -}}
{{- if $given.passwordSecret }}{{ $_ := set $postgres "passwordFile" "/etc/stint/database/password" }}{{ end -}}
{{- if $given.caConfigMap }}{{ $_ := set $postgres "caFile" "/etc/stint/database-ca/roots" }}{{ end -}}
{{- $migrate := ternary "never" .Values.config.ledger.migrate (not (empty .Values.migration.user)) -}}
{{- toYaml (dict "postgres" $postgres "migrate" $migrate) -}}
{{- else -}}
{{- toYaml (dict "file" "/var/lib/stint/ledger.db" "migrate" .Values.config.ledger.migrate) -}}
{{- end -}}
{{- end -}}

{{- define "stint.keyFiles" -}}
accessKeyIdFile: /etc/stint/aws/{{ .who }}/id
secretAccessKeyFile: /etc/stint/aws/{{ .who }}/secret
{{- if .keys.sessionTokenKey }}
sessionTokenFile: /etc/stint/aws/{{ .who }}/token
{{- end }}
{{- end -}}

{{/* A role, a revoker or a canary with the path of its external id in the place of the Secret: one key, or one for each account. */}}
{{- define "stint.externalIdFile" -}}
{{- $holder := omit .holder "externalIdSecret" -}}
{{- with .holder.externalIdSecret -}}
{{- $_ := set $holder "externalIdFile" (printf "%s/%s" $.folder (ternary "id" "{account}" (hasKey . "key"))) -}}
{{- end -}}
{{- toYaml $holder -}}
{{- end -}}
