{{/*
The claim of the ledger is the StatefulSet's, not an object of the release: a claim can only grow, so a rollback to a
revision with a smaller one would be refused half-way. For the same reason the template stays what it was at the first
install: Kubernetes lets nobody change it, and a grown claim is the claim's own affair.
*/}}
{{- define "stint.claimTemplate" -}}
{{- $live := lookup "apps/v1" "StatefulSet" .Release.Namespace (include "stint.fullname" .) -}}
{{- $template := dict -}}
{{- range dig "spec" "volumeClaimTemplates" list $live -}}
{{- if eq .metadata.name "ledger" }}{{ $template = . }}{{ end -}}
{{- end -}}
persistentVolumeClaimRetentionPolicy:
  whenDeleted: Retain
  whenScaled: Retain
volumeClaimTemplates:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata:
      name: ledger
      {{- with dig "metadata" "annotations" dict $template | default (ternary dict .Values.persistence.annotations (not (empty $template))) }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- if $template }}
      {{- toYaml $template.spec | nindent 6 }}
      {{- else }}
      accessModes: [{{ .Values.persistence.accessMode }}]
      {{- with .Values.persistence.storageClass }}
      storageClassName: {{ . | quote }}
      {{- end }}
      resources:
        requests:
          storage: {{ .Values.persistence.size | quote }}
      {{- end }}
{{- end -}}
