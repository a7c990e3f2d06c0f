{{- define "stint.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 52 characters, so that `-…` endings stay within 63. */}}
{{- define "stint.fullname" -}}
{{- $name := include "stint.name" . -}}
{{- $whole := printf "%s-%s" .Release.Name $name -}}
{{- if contains $name .Release.Name }}{{ $whole = .Release.Name }}{{ end -}}
{{- .Values.fullnameOverride | default $whole | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "stint.selectorLabels" -}}
app.kubernetes.io/name: {{ include "stint.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */}}
{{- define "stint.labels" -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $own := dict
      "app.kubernetes.io/name" (include "stint.name" .)
      "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/version" .Chart.AppVersion
      "app.kubernetes.io/component" "broker"
      "app.kubernetes.io/part-of" "stint"
      "app.kubernetes.io/managed-by" .Release.Service
      "helm.sh/chart" $chart -}}
{{- toYaml (merge $own .Values.commonLabels) -}}
{{- end -}}

{{- define "stint.metadata" -}}
name: {{ .name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "stint.labels" .root | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "stint.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "stint.fullname" .) -}}
{{- end -}}

{{- define "stint.claimName" -}}
{{- .Values.persistence.existingClaim | default (printf "%s-ledger" (include "stint.fullname" .)) -}}
{{- end -}}

{{- define "stint.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}
