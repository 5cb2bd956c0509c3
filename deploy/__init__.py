"""Starting, installing and watching Tillswitch in production. The little code here makes files that stand beside it;
nothing of it is installed."""
