{{- define "stint.checkServerIdentity" -}}
{{- $server := .Values.serverIdentity -}}
{{- if and $server.workloadApi $server.existingSecret -}}
{{- fail "serverIdentity must have either existingSecret or workloadApi, not both: the broker presents one certificate." -}}
{{- end -}}
{{- if not (or $server.workloadApi $server.existingSecret) -}}
{{- fail "serverIdentity.existingSecret is missing: the broker needs a certificate and a key to present to agents; name the Secret that holds them, or set serverIdentity.workloadApi." -}}
{{- end -}}
{{- end -}}

{{/* Who uses the Workload API has its socket, and the socket is there only for somebody. */}}
{{- define "stint.checkWorkloadApi" -}}
{{- $values := .Values -}}
{{- $users := list -}}
{{- if $values.serverIdentity.workloadApi }}{{ $users = append $users "serverIdentity.workloadApi" }}{{ end -}}
{{- range $trustDomain, $source := $values.config.identity.domains -}}
{{- if eq (empty $source.workloadApi) (empty $source.federation) -}}
{{- fail (printf "config.identity.domains: %s must have either workloadApi: true or federation, not both; a bundle from a file belongs in trustBundles." $trustDomain) -}}
{{- end -}}
{{- if $source.workloadApi }}{{ $users = append $users (printf "config.identity.domains.%s.workloadApi" $trustDomain) }}{{ end -}}
{{- end -}}
{{- if and $users (not $values.workloadApi.enabled) -}}
{{- fail (printf "%s needs workloadApi.enabled: without its volume the pod has no Workload API socket." (first $users)) -}}
{{- end -}}
{{- if $values.workloadApi.enabled -}}
{{- if not $users -}}
{{- fail "workloadApi.enabled is set, yet nothing comes from the Workload API: set serverIdentity.workloadApi, or workloadApi: true for a trust domain of config.identity.domains." -}}
{{- end -}}
{{- $startWithin := $values.config.identity.workloadApi.startWithin -}}
{{- $probeMs := mul (int64 $values.startupFailureThreshold) 5000 -}}
{{- if ge (include "stint.milliseconds" $startWithin | int64) $probeMs -}}
{{- fail (printf "config.identity.workloadApi.startWithin (%s) must be shorter than startupFailureThreshold (%d) times 5 s: the pod would be restarted while it waits for its first SVID." $startWithin (int64 $values.startupFailureThreshold)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* An https_spiffe server is checked before the first fetch with a bundle that the broker has from elsewhere. */}}
{{- define "stint.checkFederation" -}}
{{- $known := dict -}}
{{- range .Values.trustBundles }}{{ $_ := set $known .trustDomain true }}{{ end -}}
{{- range $trustDomain, $_ := .Values.config.identity.domains }}{{ $_ := set $known $trustDomain true }}{{ end -}}
{{- range $trustDomain, $source := .Values.config.identity.domains -}}
{{- with $source.federation -}}
{{- if and .endpointSpiffeId (not .bundleConfigMap) -}}
{{- $endpointDomain := regexReplaceAll "^spiffe://([^/]*).*$" .endpointSpiffeId "${1}" -}}
{{- if eq $endpointDomain $trustDomain -}}
{{- fail (printf "config.identity.domains.%s.federation needs bundleConfigMap: its endpoint is in the trust domain itself, so the first fetch needs a bundle to check it with." $trustDomain) -}}
{{- end -}}
{{- if not (hasKey $known $endpointDomain) -}}
{{- fail (printf "config.identity.domains.%s.federation.endpointSpiffeId is in %s, whose bundle the broker does not have: add that trust domain, or bundleConfigMap." $trustDomain $endpointDomain) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "stint.checkBundleEndpoint" -}}
{{- $values := .Values -}}
{{- $served := $values.config.identity.bundleEndpoint -}}
{{- if $values.bundleEndpoint.enabled -}}
{{- if not $served -}}
{{- fail "bundleEndpoint.enabled needs config.identity.bundleEndpoint.trustDomain: say whose bundle it serves." -}}
{{- end -}}
{{- $own := dict -}}
{{- range $values.trustBundles }}{{ $_ := set $own .trustDomain true }}{{ end -}}
{{- range $trustDomain, $source := $values.config.identity.domains }}{{ if $source.workloadApi }}{{ $_ := set $own $trustDomain true }}{{ end }}{{ end -}}
{{- if not (hasKey $own $served.trustDomain) -}}
{{- fail (printf "config.identity.bundleEndpoint.trustDomain (%s) must be one of trustBundles, or one of config.identity.domains with workloadApi: the broker serves only its own bundles." $served.trustDomain) -}}
{{- end -}}
{{- if and $values.networkPolicy.enabled (not $values.networkPolicy.bundlesFrom) -}}
{{- fail "bundleEndpoint.enabled needs networkPolicy.bundlesFrom: the network policy would block everyone; list the allowed peers." -}}
{{- end -}}
{{- else if or $served $values.bundleEndpoint.tls.existingSecret $values.networkPolicy.bundlesFrom -}}
{{- fail "config.identity.bundleEndpoint, bundleEndpoint.tls.existingSecret or networkPolicy.bundlesFrom is set, yet bundleEndpoint.enabled is false: no bundle would be served." -}}
{{- end -}}
{{- end -}}

{{/* Issuers and bundle endpoints that the network policy keeps out of reach. */}}
{{- define "stint.checkIdentityEgress" -}}
{{- $policy := .Values.networkPolicy -}}
{{- $open := dict -}}
{{- range $policy.identityPorts }}{{ $_ := set $open (printf "%d" (int64 .)) true }}{{ end -}}
{{- if $policy.enabled -}}
{{- range include "stint.identityUrls" . | fromYamlArray -}}
{{- if not $policy.identityTo -}}
{{- fail (printf "networkPolicy.identityTo is empty: the broker could not reach %s (%s)." .url .setting) -}}
{{- end -}}
{{- $port := regexReplaceAll "^https://(\\[[^]]*\\]|[^/:?]*)(:([0-9]+))?.*$" .url "${3}" | default "443" -}}
{{- if not (hasKey $open $port) -}}
{{- fail (printf "networkPolicy.identityPorts lacks %s: the broker could not reach %s (%s)." $port .url .setting) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
