"""``%mesh new``: forms that write the YAML of an agent, a policy or a workflow.

A form is a function of what was typed: values in; controls, values and YAML out. The page draws
the controls and sends back what was typed; everything else happens here.
"""
