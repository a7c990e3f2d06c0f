{{/* Helm makes the objects of the job anew each time, before the release itself, of which an install has nothing yet. */}}
{{- define "stint.migrationHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* Not those of the broker's pod, or its Services would send agents to the job. */}}
{{- define "stint.migrationLabels" -}}
app.kubernetes.io/name: {{ printf "%s-migration" (include "stint.name" . | trunc 52) | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: migration
{{- end -}}

{{- define "stint.migrationFiles" -}}
- {name: config, path: /etc/stint/config, configMap: {{ printf "%s-migration" (include "stint.fullname" .) | quote }}}
{{- include "stint.databaseFiles" .Values.config.ledger.postgres }}
{{- with .Values.migration.passwordSecret }}
- {name: owner, path: /etc/stint/database-owner, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: password}]}
{{- end }}
{{- end -}}

{{/* Where the schema has an owner of its own, he gives the broker's user the rights that it needs. */}}
{{- define "stint.migrationArgs" -}}
{{- $args := list "migrate" "up" "--config" "/etc/stint/config/stint.yaml" -}}
{{- if .Values.migration.moveFromClaim -}}
{{- $args = list "migrate" "to-postgres" "--from" "/var/lib/stint/ledger.db" "--config" "/etc/stint/config/stint.yaml" -}}
{{- end -}}
{{- with .Values.migration.user }}{{ $args = concat $args (list "--user" .) }}{{ end -}}
{{- if .Values.migration.passwordSecret }}{{ $args = concat $args (list "--password-file" "/etc/stint/database-owner/password") }}{{ end -}}
{{- toYaml $args -}}
{{- end -}}
