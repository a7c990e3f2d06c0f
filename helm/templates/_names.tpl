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

{{/*
Labels of the pod: only those that stay from release to release of the chart, since a label that changes is a restart, and
a restart is an outage.
*/}}
{{- define "stint.podLabels" -}}
{{- $own := dict "app.kubernetes.io/component" "broker" "app.kubernetes.io/part-of" "stint" -}}
{{- $stable := merge (include "stint.selectorLabels" . | fromYaml) $own -}}
{{- merge $stable .Values.commonLabels .Values.podLabels | toYaml -}}
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
{{- with .labels }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "stint.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "stint.fullname" .) -}}
{{- end -}}

{{/* As kubectl takes it. */}}
{{- define "stint.workload" -}}
{{ ternary "deployment" "statefulset" (eq (include "stint.usesDatabase" .) "true") }}/{{ include "stint.fullname" . }}
{{- end -}}

{{/* As the StatefulSet names the claim of its one pod. */}}
{{- define "stint.claimName" -}}
{{- .Values.persistence.existingClaim | default (printf "ledger-%s-0" (include "stint.fullname" .)) -}}
{{- end -}}

{{/*
global.imageRegistry, as parent charts set it for all images, takes the place of image.registry, and of the registry that
image.repository begins with.
*/}}
{{- define "stint.image" -}}
{{- $image := .Values.image -}}
{{- $global := dig "imageRegistry" "" (.Values.global | default dict) -}}
{{- $name := $image.repository -}}
{{- $first := regexFind "^[^/]+/" $name | trimSuffix "/" -}}
{{- if and $global (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) -}}
{{- $name = trimPrefix (printf "%s/" $first) $name -}}
{{- end -}}
{{- with $global | default $image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* A list of {name}: those of the chart, and those of a parent chart, which are objects or names. */}}
{{- define "stint.pullSecrets" -}}
{{- $secrets := .Values.imagePullSecrets -}}
{{- range dig "imagePullSecrets" list (.Values.global | default dict) -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- toYaml (uniq $secrets) -}}
{{- end -}}
