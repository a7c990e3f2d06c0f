{{/*
Values that are not there get their defaults, also where helm keeps them away: `helm upgrade --reuse-values` takes the
values of the last release as they were, without the keys that this one has added. Every object includes it first.
Kubernetes' own resources are taken as they are, so that a limit can be taken out by null.
*/}}
{{- define "stint.defaults" -}}
{{- $defaults := .Files.Get "defaults.yaml" | fromYaml -}}
{{- $resources := .Values.resources | default $defaults.resources -}}
{{- $values := mergeOverwrite $defaults (deepCopy .Values) -}}
{{- $_ := set $values "resources" $resources -}}
{{- $_ := set . "Values" $values -}}
{{- end -}}
